//! What every request gets: an id, a time limit, one log line, and problems with that id in them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use lambda_http::RequestExt as _;
use usher_shared::ids::RequestId;

use super::problem::Problem;
use crate::clock::wall_now;
use crate::deadline::Deadline;
use crate::platform::Platform;

/// What handlers share.
#[derive(Clone, Debug)]
pub struct App {
    /// The function's view of the world.
    pub platform: Arc<Platform>,
}

/// What is known of a request beside its content.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext {
    /// Its id.
    pub id: RequestId,
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .copied()
            .ok_or_else(Problem::internal)
    }
}

/// Puts `routes` behind what every request gets, and answers unknown routes and methods.
pub fn wrap(routes: Router<App>, app: App) -> Router {
    let platform = Arc::clone(&app.platform);
    routes
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(middleware::from_fn(move |request, next| {
            handle(Arc::clone(&platform), request, next)
        }))
        .with_state(app)
}

async fn handle(platform: Arc<Platform>, mut request: Request, next: Next) -> Response {
    let started = wall_now();
    let id = RequestId::generate(platform.clock().now(), platform.entropy());
    let method = request.method().clone();
    // The route's pattern, not its path: paths hold public keys and ids.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let deadline = request
        .lambda_context_ref()
        .map(|context| Deadline::from_millis(context.deadline));
    request.extensions_mut().insert(RequestContext { id });

    let mut response = match deadline {
        None => next.run(request).await,
        Some(deadline) => deadline.run(next.run(request)).await.unwrap_or_else(|_| {
            tracing::error!(request.id = %id, http.route = route, "no answer before the deadline");
            Problem::unavailable().into_response()
        }),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let body = serde_json::to_vec(&problem.body(&id.to_string())).unwrap_or_default();
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        response = Response::from_parts(parts, body.into());
    }
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    let duration_ms = u64::try_from(wall_now().since(started).as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        request.id = %id,
        http.method = %method,
        http.route = route,
        http.status = response.status().as_u16(),
        duration_ms,
        "answered"
    );
    response
}
