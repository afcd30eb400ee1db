//! The page behind the link in a mail (promise DEL-06): opening it does nothing, because scanners of mail open every link;
//! its button does. A link that is over, used, or was never ours looks like any other that leads nowhere.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use usher_aws::http::{App, Problem};
use usher_aws::scope::ScopeError;
use usher_shared::privacy::RequestKind;

/// The routes of links.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/privacy/confirm/{token}", get(show).post(confirm))
}

/// `GET /privacy/confirm/{token}`.
async fn show(State(app): State<App>, Path(token): Path<String>) -> Result<Response, Problem> {
    let Some((scope, request)) = app.platform.request_to_confirm(&token).await? else {
        return Ok(nowhere());
    };
    let business = escaped(scope.business_name());
    let body = format!(
        "<h1>{business}</h1><p>{}</p><form method=\"post\"><button>Confirm</button></form>\
         <p>If it was not you, close this page: nothing happens.</p>",
        asked(*request.kind)
    );
    Ok(page(StatusCode::OK, &body))
}

/// `POST /privacy/confirm/{token}`.
async fn confirm(State(app): State<App>, Path(token): Path<String>) -> Result<Response, Problem> {
    let Some((scope, request)) = app.platform.request_to_confirm(&token).await? else {
        return Ok(nowhere());
    };
    let confirmed = app.platform.confirm_request(&scope, *request.id).await?;
    if confirmed.is_none() {
        return Ok(nowhere());
    }
    let code = scope.privacy_code(*request.id);
    let url = app.platform.status_url(&code).map_err(ScopeError::from)?;
    tracing::info!(tenant.id = %scope.tenant(), privacy_request.id = %*request.id, "confirmed by its link");
    let body = format!(
        "<h1>{}</h1><p>Thank you. Your request has begun.</p><p>Its code: <strong>{code}</strong></p>\
         <p><a href=\"{url}\">What becomes of it</a></p>",
        escaped(scope.business_name())
    );
    Ok(page(StatusCode::OK, &body))
}

const fn asked(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Deletion => "You asked for all your data to be deleted.",
        RequestKind::Access | RequestKind::Portability => "You asked for a copy of your data.",
        RequestKind::Correction => "You asked for your data to be corrected.",
        RequestKind::Restriction => "You asked for your data to be kept and no longer used.",
        RequestKind::Objection => "You asked that no AI reads what you write.",
    }
}

fn nowhere() -> Response {
    let body = "<h1>This link leads nowhere</h1><p>It was used, is over, or never was. Ask again if you have to.</p>";
    page(StatusCode::NOT_FOUND, body)
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\"><title>Your data</title></head>\
         <body><main>{body}</main></body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // The address is the secret: it is told to nobody, and no page frames the button.
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    (status, headers, html).into_response()
}

/// A text as it stands in a page.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_in_a_page() {
        let shown = escaped("<b>\"Tom\" & 'Ann'</b>");
        assert_eq!(shown, "&lt;b&gt;&quot;Tom&quot; &amp; &#39;Ann&#39;&lt;/b&gt;");
    }
}
