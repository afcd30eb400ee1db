//! The one layer in front of every emulated service. Each call passes here with its caller (by access key
//! id), its service and its operation: the place where permissions, faults and billed units belong.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use tokio::net::TcpListener;

use crate::callers::{Caller, Callers};
use crate::faults::{self, Faults};
use crate::meter::{self, Charge, Meter};
use crate::permissions::Permissions;
use crate::server::Server;

/// Largest body taken: a part of a multipart upload with room to spare.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// An emulated service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `DynamoDB`.
    DynamoDb,
    /// SQS.
    Sqs,
    /// KMS.
    Kms,
    /// STS.
    Sts,
    /// S3.
    S3,
}

impl Service {
    /// Its name as the meter and the control endpoints write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::Kms => "kms",
            Self::Sts => "sts",
            Self::S3 => "s3",
        }
    }
}

/// One call, its caller known.
#[derive(Debug)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// Name of the operation; for S3 the method and path.
    pub operation: String,
    /// The request as it came.
    pub request: Request<Bytes>,
}

/// What answers the calls of one service.
#[derive(Clone)]
pub enum Backend {
    /// `DynamoDB`.
    DynamoDb(Arc<crate::dynamodb::DynamoDb>),
    /// SQS.
    Sqs(Arc<crate::sqs::Sqs>),
    /// KMS.
    Kms(Arc<crate::kms::Kms>),
    /// STS.
    Sts(Arc<crate::sts::Sts>),
    /// S3.
    S3(Arc<crate::s3::S3>),
}

impl Backend {
    pub(crate) fn service(&self) -> Service {
        match self {
            Self::DynamoDb(_) => Service::DynamoDb,
            Self::Sqs(_) => Service::Sqs,
            Self::Kms(_) => Service::Kms,
            Self::Sts(_) => Service::Sts,
            Self::S3(_) => Service::S3,
        }
    }

    async fn answer(&self, call: Call) -> Response {
        match self {
            Self::DynamoDb(service) => service.answer(call).await,
            Self::Sqs(service) => service.answer(&call),
            Self::Kms(service) => service.answer(call).await,
            Self::Sts(service) => service.answer(call).await,
            Self::S3(service) => service.answer(call).await,
        }
    }
}

#[derive(Clone)]
struct Proxy {
    backend: Backend,
    layers: Layers,
}

/// What stands before every service, in the order in which a call meets it.
#[derive(Clone)]
pub(crate) struct Layers {
    pub(crate) callers: Arc<Callers>,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) meter: Arc<Meter>,
}

/// Serves one service behind the proxy.
pub(crate) fn serve(listener: TcpListener, backend: Backend, layers: Layers) -> std::io::Result<Server> {
    let router = Router::new().fallback(pass).with_state(Proxy { backend, layers });
    Server::start(listener, router)
}

async fn pass(State(proxy): State<Proxy>, request: Request<Body>) -> Response {
    let service = proxy.backend.service();
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
        return refusal(
            service,
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLarge",
            "the body is too large",
        );
    };
    let body = body.to_bytes();
    let key = access_key_id(&parts.headers, parts.uri.query().unwrap_or_default());
    let Some(caller) = key.and_then(|key| proxy.layers.callers.caller(&key)) else {
        let code = if service == Service::S3 {
            "InvalidAccessKeyId"
        } else {
            "UnrecognizedClientException"
        };
        return refusal(
            service,
            StatusCode::FORBIDDEN,
            code,
            "the request is not signed by a known caller",
        );
    };
    let operation = operation(service, &parts, &body);
    let mut call = Call {
        caller,
        operation,
        request: Request::from_parts(parts, body),
    };
    tracing::trace!(
        ?service,
        operation = call.operation,
        function = call.caller.function,
        "call"
    );
    if let Err(refused) = proxy.layers.permissions.check(service, &call) {
        return refused;
    }
    let struck = match faults::before(&proxy.layers.faults, &proxy.backend, &mut call).await {
        Ok(struck) => struck,
        Err(answer) => return answer,
    };
    let answer = metered(&proxy, call).await;
    faults::after(&proxy.layers.faults, struck, answer).await
}

/// Has the service answer, and charges what that costs to whoever called.
async fn metered(proxy: &Proxy, mut call: Call) -> Response {
    let function = call.caller.function.clone();
    let operation = call.operation.clone();
    let headers = call.request.headers().clone();
    let charge = |service, operation: &str, charges| {
        proxy
            .layers
            .meter
            .charge(&function, &headers, service, operation, charges);
    };
    let Backend::DynamoDb(database) = &proxy.backend else {
        let request = Charge::request(resource(proxy.backend.service(), &call));
        let operation = match proxy.backend.service() {
            Service::S3 => call.request.method().to_string(),
            _ => operation,
        };
        let answer = proxy.backend.answer(call).await;
        charge(proxy.backend.service().name(), &operation, vec![request]);
        return answer;
    };
    let asked = meter::ask(&operation, call.request.body());
    *call.request.body_mut() = asked.clone();
    let (parts, body) = proxy.backend.answer(call).await.into_parts();
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        let message = "the embedded database broke off";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        return refusal(Service::DynamoDb, status, "InternalServerError", message);
    };
    let stored = |table: &str, key: &_| database.item(table, key);
    charge(
        "dynamodb",
        &operation,
        meter::charges(&operation, &asked, parts.status, &body, stored),
    );
    Response::from_parts(parts, body.into())
}

/// What a request is about, as far as a bill tells it apart: the queue or the bucket.
fn resource(service: Service, call: &Call) -> String {
    match service {
        Service::S3 => {
            let path = call.request.uri().path().trim_start_matches('/');
            path.split('/').next().unwrap_or_default().to_owned()
        }
        Service::Sqs => {
            let body: serde_json::Value = serde_json::from_slice(call.request.body()).unwrap_or_default();
            let url = body.get("QueueUrl").and_then(serde_json::Value::as_str);
            url.and_then(|url| url.rsplit('/').next())
                .unwrap_or_default()
                .to_owned()
        }
        Service::DynamoDb | Service::Kms | Service::Sts => String::new(),
    }
}

/// The access key id of a signed request: from the header, or from the query of a presigned URL.
pub(crate) fn access_key_id(headers: &HeaderMap, query: &str) -> Option<String> {
    let from_header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential=").map(|(_, rest)| rest));
    let from_query = || {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix("X-Amz-Credential="))
            .filter(|v| !v.is_empty())
    };
    let scope = from_header.or_else(from_query)?;
    let end = scope.find(['/', '%', ',']).unwrap_or(scope.len());
    scope.get(..end).map(str::to_owned)
}

fn operation(service: Service, parts: &http::request::Parts, body: &[u8]) -> String {
    match service {
        Service::S3 => format!("{} {}", parts.method, parts.uri.path()),
        Service::Sts => form_value(body, "Action").unwrap_or_default(),
        Service::DynamoDb | Service::Sqs | Service::Kms => parts
            .headers
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.rsplit('.').next())
            .unwrap_or_default()
            .to_owned(),
    }
}

/// The value of one field of a form body, decoded.
pub(crate) fn form_value(body: &[u8], name: &str) -> Option<String> {
    form_pairs(body)
        .into_iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

/// All fields of a form body, decoded, in order.
pub(crate) fn form_pairs(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name, true), decode(value, true)))
        .collect()
}

/// Percent-decodes `text`; with `plus`, `+` is a space. Broken escapes stay as they are.
pub(crate) fn decode(text: &str, plus: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex_digit(*high).zip(hex_digit(*low)).map(|(h, l)| h * 16 + l),
            _ => None,
        };
        if let Some(byte) = escaped {
            bytes.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(if *first == b'+' && plus { b' ' } else { *first });
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// An error in the protocol of `service`.
pub(crate) fn refusal(service: Service, status: StatusCode, code: &str, message: &str) -> Response {
    match service {
        Service::Sts => (
            status,
            [(header::CONTENT_TYPE, "text/xml")],
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>\
                 </Error><RequestId>local</RequestId></ErrorResponse>"
            ),
        )
            .into_response(),
        Service::S3 => (
            status,
            [(header::CONTENT_TYPE, "application/xml")],
            format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
        )
            .into_response(),
        Service::DynamoDb | Service::Sqs | Service::Kms => (
            status,
            [(header::CONTENT_TYPE, "application/x-amz-json-1.0")],
            serde_json::json!({"__type": code, "message": message}).to_string(),
        )
            .into_response(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_access_key_is_found_in_header_and_query() {
        let mut headers = HeaderMap::new();
        let value = "AWS4-HMAC-SHA256 Credential=ASIA1/20260101/us-east-1/sqs/aws4_request, SignedHeaders=a";
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        assert_eq!(access_key_id(&headers, "").as_deref(), Some("ASIA1"));
        let query = "a=b&X-Amz-Credential=ASIA2%2F20260101%2Fus-east-1%2Fs3%2Faws4_request";
        assert_eq!(access_key_id(&HeaderMap::new(), query).as_deref(), Some("ASIA2"));
        assert_eq!(access_key_id(&HeaderMap::new(), ""), None);
    }

    #[test]
    fn escapes_are_decoded_and_broken_ones_kept() {
        assert_eq!(decode("a%20b+c%C3%B1", true), "a b cñ");
        assert_eq!(decode("a+b%2", false), "a+b%2");
        assert_eq!(decode("%zz%", false), "%zz%");
    }
}
