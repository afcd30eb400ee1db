//! Which pages may use a chat or a form: finds the channel, checks the page's origin, answers preflights.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use usher_aws::TenantScope;
use usher_aws::http::{App, Problem, path_id};
use usher_aws::rate::network_of;
use usher_carriers::event::To;
use usher_shared::channel::ChannelKind;
use usher_shared::rate::Class;
use usher_shared::records::ChannelAddress;

/// Admits a request to a channel, or refuses it; either answer can be read by the page that may ask.
pub(super) async fn admit(
    State(app): State<App>,
    Path(key): Path<String>,
    mut request: Request,
    next: Next,
) -> Response {
    let forms = request.uri().path().starts_with("/forms/");
    let kind = if forms {
        ChannelKind::Form
    } else {
        ChannelKind::WebChat
    };
    let channel = match find(&app, &key, kind).await {
        Ok(channel) => channel,
        Err(problem) => return problem.into_response(),
    };
    let Ok(origin) = allowed_origin(request.headers(), &channel) else {
        return Problem::origin_not_allowed().into_response();
    };
    let preflight = request.method() == Method::OPTIONS;
    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        match limit(&app, &channel, counted(&request)).await {
            Ok(scope) => {
                request.extensions_mut().insert(channel);
                request.extensions_mut().insert(scope);
                next.run(request).await
            }
            Err(problem) => problem.into_response(),
        }
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        let exposed = HeaderValue::from_static("retry-after, x-request-id");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        if preflight {
            let methods = HeaderValue::from_static("GET, POST, OPTIONS");
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            let allowed = HeaderValue::from_static("authorization, content-type, idempotency-key");
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
        }
    }
    response
}

/// What a request counts as, and the network it comes from.
fn counted(request: &Request) -> (Class, String) {
    let path = request.uri().path();
    let class = match (request.method(), path.ends_with("/sessions")) {
        _ if path.starts_with("/forms/") => Class::FormPosts,
        (_, true) => Class::ChatSessions,
        (&Method::GET | &Method::HEAD, false) => Class::ChatAnswers,
        (_, false) => Class::ChatMessages,
    };
    let address = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
        _ => None,
    };
    // Without an address all are one sender: better than none is limited.
    (class, network_of(address.unwrap_or_default()))
}

/// Enters the channel's tenant and counts the request. Preflights cost nothing and are not counted.
async fn limit(
    app: &App,
    channel: &ChannelAddress,
    (class, network): (Class, String),
) -> Result<TenantScope, Problem> {
    let scope = app.platform.enter_to_write(*channel.tenant).await?;
    let channel = channel.channel.to_string();
    app.platform
        .admit(&scope, class, &[channel.as_bytes(), network.as_bytes()])
        .await
        .map_err(Problem::rate_limited)?;
    Ok(scope)
}

/// OPTIONS is answered by [`admit`]; the route has to exist for the layer to see it.
pub(super) async fn never_reached() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// A key is of one kind of channel, and is nothing to the others' routes.
async fn find(app: &App, key: &str, kind: ChannelKind) -> Result<ChannelAddress, Problem> {
    let found = app.platform.find_channel(&To::key(path_id(key)?)).await?;
    found
        .filter(|channel| *channel.kind == kind)
        .ok_or_else(Problem::not_found)
}

/// The origin to name in the answer: none for requests that are no page's.
fn allowed_origin(headers: &HeaderMap, channel: &ChannelAddress) -> Result<Option<HeaderValue>, ()> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(None);
    };
    let text = origin.to_str().map_err(|_| ())?.to_ascii_lowercase();
    let any = channel.allowed_origins.is_empty();
    if any
        || channel
            .allowed_origins
            .iter()
            .any(|allowed| allowed.as_str() == text)
    {
        Ok(Some(origin.clone()))
    } else {
        Err(())
    }
}
