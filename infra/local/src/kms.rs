//! KMS: an emulator whose ciphertexts bind the encryption context. Keys of the template are made at the
//! first start and their material is on disk before anything can be wrapped by it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use winterbaume_core::{MockRequest, MockResponse, MockService as _, StatefulService as _};
use winterbaume_kms::KmsService;

use crate::proxy::{Call, Service, refusal};
use crate::template::{ACCOUNT, REGION};

/// Names the template's key in the emulator's tags.
const TAG: &str = "logical-id";
/// Operations that leave the state as it is.
const READS: [&str; 6] = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "ReEncrypt",
    "Describe",
    "List",
];

/// The emulated service and the file that keeps it.
pub struct Kms {
    service: KmsService,
    file: Option<PathBuf>,
    /// One change at a time, so that an older snapshot never replaces a newer one.
    saving: tokio::sync::Mutex<()>,
    arns: BTreeMap<String, String>,
}

impl Kms {
    /// Opens the keys kept in `file` (or none), and makes those of `wanted` that are missing.
    pub async fn open(file: Option<PathBuf>, wanted: &[String]) -> Result<Self, String> {
        let service = KmsService::new();
        if let Some(file) = &file {
            match std::fs::read(file) {
                Ok(bytes) => {
                    let view =
                        serde_json::from_slice(&bytes).map_err(|e| format!("{}: {e}", file.display()))?;
                    service
                        .restore(ACCOUNT, REGION, view)
                        .await
                        .map_err(|e| e.to_string())?;
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{}: {error}", file.display())),
            }
        }
        let mut kms = Self {
            service,
            file,
            saving: tokio::sync::Mutex::default(),
            arns: BTreeMap::new(),
        };
        for id in wanted {
            let arn = match kms.find(id).await {
                Some(arn) => arn,
                None => kms.create(id).await?,
            };
            kms.arns.insert(id.clone(), arn);
        }
        Ok(kms)
    }

    /// ARNs of the template's keys by logical id.
    pub fn arns(&self) -> &BTreeMap<String, String> {
        &self.arns
    }

    async fn find(&self, id: &str) -> Option<String> {
        let view = self.service.snapshot(ACCOUNT, REGION).await;
        view.keys
            .values()
            .find(|key| key.tags.get(TAG).is_some_and(|tag| tag == id))
            .map(|key| key.arn.clone())
    }

    async fn create(&self, id: &str) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", HeaderValue::from_static("TrentService.CreateKey"));
        let body = json!({"Tags": [{"TagKey": TAG, "TagValue": id}]}).to_string();
        let answer = self.call(headers, body.into()).await;
        self.save().await?;
        let answer: Value = serde_json::from_slice(&answer.body).map_err(|e| e.to_string())?;
        let arn = answer.pointer("/KeyMetadata/Arn").and_then(Value::as_str);
        arn.map(str::to_owned)
            .ok_or_else(|| format!("key {id} could not be made: {answer}"))
    }

    async fn call(&self, headers: HeaderMap, body: Bytes) -> MockResponse {
        let uri = format!("https://kms.{REGION}.amazonaws.com/");
        self.service
            .handle(MockRequest {
                method: "POST".to_owned(),
                uri,
                headers,
                body,
            })
            .await
    }

    /// Answers a call; a change is on disk before its answer leaves.
    pub(crate) async fn answer(&self, call: Call) -> Response {
        let (parts, body) = call.request.into_parts();
        let reads = READS.iter().any(|prefix| call.operation.starts_with(prefix));
        let answer = self.call(parts.headers, body).await;
        if !reads && let Err(problem) = self.save().await {
            return refusal(
                Service::Kms,
                StatusCode::INTERNAL_SERVER_ERROR,
                "KMSInternalException",
                &problem,
            );
        }
        into_response(answer)
    }

    async fn save(&self) -> Result<(), String> {
        let Some(file) = &self.file else { return Ok(()) };
        let _one_at_a_time = self.saving.lock().await;
        let view = self.service.snapshot(ACCOUNT, REGION).await;
        let bytes = serde_json::to_vec(&view).map_err(|e| e.to_string())?;
        crate::files::replace(file, &bytes).map_err(|e| format!("{}: {e}", file.display()))
    }
}

impl std::fmt::Debug for Kms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kms")
            .field("arns", &self.arns)
            .finish_non_exhaustive()
    }
}

/// An emulator's answer as a response of the proxy.
pub(crate) fn into_response(answer: MockResponse) -> Response {
    let mut response = Response::new(answer.body.into());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.headers;
    response
}
