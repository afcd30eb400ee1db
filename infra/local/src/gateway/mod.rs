//! API Gateway: the template's routes over HTTP on loopback, each request an invocation.

mod payload;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Value, json};

pub use self::routes::Routes;
use crate::clock::Clock;
use crate::outbox::Outbox;
use crate::runtime::{InvokeError, MAX_PAYLOAD_BYTES, Pool};

/// Largest body the gateway takes.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// Largest block of headers.
const MAX_HEADER_BYTES: usize = 10_240;
/// Longest the gateway waits for a function, whatever the function's own timeout.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Everything a request needs.
#[derive(Debug)]
pub struct Gateway {
    routes: Routes<Arc<Pool>>,
    clock: Arc<Clock>,
    outbox: Arc<Outbox>,
}

impl Gateway {
    /// A gateway over these routes. Answers handed to visitors are entered in `outbox`.
    pub fn new(routes: Routes<Arc<Pool>>, clock: Arc<Clock>, outbox: Arc<Outbox>) -> Self {
        Self {
            routes,
            clock,
            outbox,
        }
    }
}

/// Handles one request to the API.
pub(crate) async fn handle(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    let request_id = crate::ids::random_hex(8);
    let (parts, body) = request.into_parts();
    let mut response = match answer(&gateway, parts, body, &request_id).await {
        Ok(response) => response.map(Body::from),
        Err((status, message)) => {
            let body = json!({"message": message}).to_string();
            (status, [("content-type", "application/json")], body).into_response()
        }
    };
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("apigw-requestid", value);
    }
    response
}

type Refusal = (StatusCode, &'static str);

async fn answer(
    gateway: &Gateway,
    mut parts: http::request::Parts,
    body: Body,
    request_id: &str,
) -> Result<http::Response<Bytes>, Refusal> {
    let matched = gateway.routes.find(&parts.method, parts.uri.path());
    let (route_key, path_parameters, pool) = matched.ok_or((StatusCode::NOT_FOUND, "Not Found"))?;
    // Whose request it is would be a matter of opinion.
    if parts.headers.get_all(http::header::HOST).iter().count() != 1 && parts.version < http::Version::HTTP_2
    {
        return Err((StatusCode::BAD_REQUEST, "Bad Request"));
    }
    let header_bytes: usize = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if header_bytes > MAX_HEADER_BYTES {
        return Err((
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request Header Fields Too Large",
        ));
    }
    let too_large = (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    let body = Limited::new(body, MAX_BODY_BYTES)
        .collect()
        .await
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                too_large
            } else {
                (StatusCode::BAD_REQUEST, "Bad Request")
            }
        })?
        .to_bytes();
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip().to_string());
    let source_ip = peer.unwrap_or_else(|| "127.0.0.1".to_owned());
    add_forwarding(&mut parts.headers, &source_ip);
    let channel = path_parameters
        .iter()
        .find(|(name, _)| name == "channel_key")
        .map(|(_, v)| v.clone());
    let context = payload::Context {
        route_key: route_key.to_owned(),
        path_parameters,
        source_ip,
        request_id: request_id.to_owned(),
        now_ms: gateway.clock.now_ms(),
    };
    let event = payload::event(&parts, &body, &context).to_string();
    let pool = Arc::clone(pool);
    // In a task of its own: a client that hangs up does not stop a function halfway.
    let trigger = route_key.to_owned();
    let invoked = tokio::spawn(async move { pool.invoke(&trigger, event.into()).await });
    let broken = (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    let answer = match tokio::time::timeout(INTEGRATION_TIMEOUT, invoked).await {
        Err(_) => return Err((StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")),
        Ok(Ok(Ok(answer))) if answer.len() <= MAX_PAYLOAD_BYTES => answer,
        Ok(Ok(Err(InvokeError::TooLarge { .. }))) => return Err(too_large),
        // Whatever the function died of, its own timeout included, is its error.
        Ok(Ok(_) | Err(_)) => return Err(broken),
    };
    let response = payload::response(&answer).ok_or(broken)?;
    if parts.method == Method::GET
        && response.status() == StatusCode::OK
        && parts.uri.path().ends_with("/messages")
        && let Some(channel) = channel
    {
        enter_chat(&gateway.outbox, &channel, response.body(), gateway.clock.now_ms());
    }
    Ok(response)
}

fn add_forwarding(headers: &mut HeaderMap, source_ip: &str) {
    let port = headers
        .get(http::header::HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.rsplit_once(':'))
        .map_or("80", |(_, port)| port)
        .to_owned();
    for (name, value) in [
        ("x-forwarded-for", source_ip),
        ("x-forwarded-port", &port),
        ("x-forwarded-proto", "http"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}

/// Enters each message that a visitor was shown, once per id.
fn enter_chat(outbox: &Outbox, channel: &str, body: &[u8], now_ms: i64) {
    let list: Value = serde_json::from_slice(body).unwrap_or_default();
    for message in list.get("data").and_then(Value::as_array).into_iter().flatten() {
        if let Some(id) = message.get("id").and_then(Value::as_str) {
            outbox.enter_once("chat", id, channel, message, now_ms);
        }
    }
}
