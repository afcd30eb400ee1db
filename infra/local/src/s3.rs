//! S3: files under the data folder. Signatures and the expiry of presigned URLs are verified with the
//! secrets of the known callers. In front of the emulator: files are taken only with SSE-KMS under a key of
//! ours, and an upload belongs to its bucket, not to the session that began it.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use serde::{Deserialize, Serialize};

use crate::callers::Callers;
use crate::proxy::{Call, Service, access_key_id, decode, refusal};

/// The emulated service.
#[derive(Debug)]
pub struct S3 {
    service: S3Service,
    root: PathBuf,
    /// ARNs of the keys that files may be encrypted with.
    keys: Vec<String>,
    encryption: Mutex<BTreeMap<String, Encryption>>,
}

/// How a file was asked to be encrypted. Locally it is not: what counts is that it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// ARN of the key.
    pub key: String,
    /// Whether the bucket's own key saves calls of KMS.
    pub bucket_key: bool,
}

struct Secrets(Arc<Callers>);

impl S3Auth for Secrets {
    fn get_secret_key<'life0, 'life1, 'async_trait>(
        &'life0 self,
        access_key: &'life1 str,
    ) -> Pin<Box<dyn Future<Output = s3s::S3Result<SecretKey>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        let secret = self.0.secret(access_key).map(SecretKey::from);
        Box::pin(async move { secret.ok_or_else(|| s3s::s3_error!(InvalidAccessKeyId)) })
    }
}

impl S3 {
    /// Serves `buckets` from folders under `root`, encrypted with one of `keys`.
    pub fn open(
        root: &Path,
        buckets: &[String],
        keys: Vec<String>,
        callers: Arc<Callers>,
    ) -> Result<Self, String> {
        let at = |error: std::io::Error| format!("{}: {error}", root.display());
        std::fs::create_dir_all(root).map_err(at)?;
        for bucket in buckets {
            std::fs::create_dir_all(root.join(bucket)).map_err(at)?;
        }
        let files = s3s_fs::FileSystem::new(root).map_err(|e| format!("{}: {e:?}", root.display()))?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(Secrets(callers));
        Ok(Self {
            service: builder.build(),
            root: root.to_owned(),
            keys,
            encryption: Mutex::new(remembered(root)),
        })
    }

    /// The folder that holds one folder per bucket.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Puts a file as a service of the cloud does, encrypted as the bucket has it.
    pub(crate) fn put_for_service(&self, bucket: &str, key: &str, bytes: &[u8]) -> std::io::Result<()> {
        let file = self.root.join(bucket).join(key);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        crate::files::replace(&file, bytes)?;
        if let Some(own) = self.keys.first() {
            let encryption = Encryption {
                key: own.clone(),
                bucket_key: true,
            };
            self.remember(&format!("{bucket}/{key}"), encryption);
        }
        Ok(())
    }

    /// How each file, by bucket and key, was asked to be encrypted.
    pub fn encryption(&self) -> BTreeMap<String, Encryption> {
        self.encryption
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) async fn answer(&self, call: Call) -> Response {
        let query = call.request.uri().query().unwrap_or_default().to_owned();
        let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
        let method = call.request.method();
        let begins = (method == Method::POST && has("uploads"))
            || (method == Method::PUT && !has("uploadId") && names_object(call.request.uri().path()));
        if begins {
            let headers = call.request.headers();
            match asked(headers).filter(|asked| self.keys.contains(&asked.key)) {
                Some(encryption) => self.remember(&decode(call.request.uri().path(), false), encryption),
                None => {
                    return refuse(
                        "AccessDenied",
                        StatusCode::FORBIDDEN,
                        "files need SSE-KMS under the stack's key",
                    );
                }
            }
        }
        if let Some(upload) = query.split('&').find_map(|pair| pair.strip_prefix("uploadId="))
            && !self.adopt(upload, &call, &query)
        {
            return refuse("NoSuchUpload", StatusCode::NOT_FOUND, "there is no such upload");
        }
        match self.service.call(call.request.map(s3s::Body::from)).await {
            Ok(answer) => answer.map(axum::body::Body::new),
            Err(error) => refuse(
                "InternalError",
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!("{error:?}"),
            ),
        }
    }

    /// The emulator binds an upload to the access key that began it, where S3 asks for permissions alone: a
    /// worker that takes over has another session. `false` if there is no such upload.
    fn adopt(&self, upload: &str, call: &Call, query: &str) -> bool {
        let plain = upload.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let file = self.root.join(format!(".upload-{upload}.json"));
        if !plain || !file.exists() {
            return false;
        }
        let key = access_key_id(call.request.headers(), query);
        let written = serde_json::to_vec(&key).is_ok_and(|bytes| std::fs::write(&file, bytes).is_ok());
        if !written {
            tracing::warn!("an upload could not be handed over");
        }
        true
    }

    fn remember(&self, path: &str, encryption: Encryption) {
        let mut all = self.encryption.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(path.trim_start_matches('/').to_owned(), encryption);
        let written = serde_json::to_vec(&*all)
            .is_ok_and(|bytes| crate::files::replace(&beside(&self.root), &bytes).is_ok());
        if !written {
            tracing::warn!("the encryption of a file could not be noted");
        }
    }
}

fn refuse(code: &str, status: StatusCode, message: &str) -> Response {
    refusal(Service::S3, status, code, message)
}

/// Notes about files, beside their folder: inside it they would be a bucket's.
fn beside(root: &Path) -> PathBuf {
    root.with_extension("encryption.json")
}

fn remembered(root: &Path) -> BTreeMap<String, Encryption> {
    let bytes = std::fs::read(beside(root)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Whether a path is a bucket's and an object's name.
fn names_object(path: &str) -> bool {
    path.trim_start_matches('/')
        .split_once('/')
        .is_some_and(|(_, key)| !key.is_empty())
}

/// The SSE-KMS that a request asks for.
fn asked(headers: &HeaderMap) -> Option<Encryption> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("x-amz-server-side-encryption") != Some("aws:kms") {
        return None;
    }
    Some(Encryption {
        key: header("x-amz-server-side-encryption-aws-kms-key-id")?.to_owned(),
        bucket_key: header("x-amz-server-side-encryption-bucket-key-enabled") == Some("true"),
    })
}
