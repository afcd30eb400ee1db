//! Bad days of carriers: slow, too many requests, broken, or an answer that is lost after all was done.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use super::World;
use super::models::{self, Mood};
use crate::faults::{Kind, Target};
use crate::server::hang_up;

/// Strikes calls to carriers with the faults that wait for them: service `carrier`, the operation is the carrier's name
/// (`meta`, `twilio`, `resend`, `ses`, `telegram`), or the provider's of language models (`anthropic`, `openai`, `bedrock`).
pub(super) async fn strike(State(world): State<Arc<World>>, mut request: Request, next: Next) -> Response {
    let carrier = carrier(request.uri().path()).to_owned();
    let fits = |kind: Kind| !kind.is_a_models() || models::is_one(&carrier);
    let drawn = world.faults.draw(Target::Carrier, &carrier, "carrier", fits);
    let Some(drawn) = drawn else {
        return next.run(request).await;
    };
    match drawn.kind {
        kind if kind.is_a_models() => {
            request.extensions_mut().insert(Mood(kind));
            next.run(request).await
        }
        Kind::Throttle => {
            let wait = [(header::RETRY_AFTER, "1")];
            let mut answer = (StatusCode::TOO_MANY_REQUESTS, wait, too_many(&carrier)).into_response();
            if carrier == "meta" {
                let usage =
                    r#"{"1":[{"type":"messenger","call_count":100,"estimated_time_to_regain_access":1}]}"#;
                let usage = HeaderValue::from_static(usage);
                answer.headers_mut().insert("x-business-use-case-usage", usage);
            }
            answer
        }
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response(),
        Kind::Timeout => {
            tokio::time::sleep(drawn.delay).await;
            hang_up()
        }
        Kind::TimeoutAfter => {
            let _lost = next.run(request).await;
            tokio::time::sleep(drawn.delay).await;
            hang_up()
        }
        Kind::DropResponse => {
            let _lost = next.run(request).await;
            hang_up()
        }
        _ => {
            tokio::time::sleep(drawn.delay).await;
            next.run(request).await
        }
    }
}

fn carrier(path: &str) -> &str {
    let rest = path
        .strip_prefix(super::PATH)
        .unwrap_or(path)
        .trim_start_matches('/');
    let mut parts = rest.split('/');
    match (parts.next(), parts.next()) {
        (Some("mail" | "models"), Some(provider)) => provider,
        (Some(carrier), _) => carrier,
        (None, _) => "",
    }
}

/// What each carrier says when it is asked too much.
fn too_many(carrier: &str) -> &'static str {
    match carrier {
        "meta" => {
            r#"{"error":{"message":"(#80007) Rate limit","type":"OAuthException","code":80007,"is_transient":true}}"#
        }
        "twilio" => r#"{"code":20429,"message":"Too Many Requests","status":429}"#,
        "resend" => r#"{"statusCode":429,"name":"rate_limit_exceeded","message":"Too many requests"}"#,
        provider if models::is_one(provider) => models::too_many(provider),
        "telegram" => {
            r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}"#
        }
        _ => r#"{"message":"Rate exceeded"}"#,
    }
}
