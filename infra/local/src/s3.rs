//! S3: files under the data folder. Signatures and the expiry of presigned URLs are verified with the
//! secrets of the known callers.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};

use crate::callers::Callers;
use crate::proxy::{Call, Service, refusal};

/// The emulated service.
#[derive(Debug)]
pub struct S3 {
    service: S3Service,
    root: PathBuf,
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
    /// Serves `buckets` from folders under `root`.
    pub fn open(root: &Path, buckets: &[String], callers: Arc<Callers>) -> Result<Self, String> {
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
        })
    }

    /// The folder that holds one folder per bucket.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) async fn answer(&self, call: Call) -> Response {
        match self.service.call(call.request.map(s3s::Body::from)).await {
            Ok(answer) => answer.map(axum::body::Body::new),
            Err(error) => {
                let message = format!("{error:?}");
                refusal(
                    Service::S3,
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "InternalError",
                    &message,
                )
            }
        }
    }
}
