//! The page on which whoever has a confirmation code sees what became of their request: without a login, for people
//! (HTML) and for programs (JSON). It says nothing that the code's holder did not ask about, and of an unknown code
//! nothing at all.

mod html;
mod removal;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use serde::Serialize;
use usher_aws::TenantScope;
use usher_aws::http::words::Time;
use usher_aws::http::{App, Problem, ProblemBody};
use usher_aws::rate::network_of;
use usher_aws::scope::ScopeError;
use usher_shared::Timestamp;
use usher_shared::privacy::{RequestKind, RequestState, RequestSubject};
use usher_shared::rate::Class;
use usher_shared::records::PrivacyRequest;
use utoipa::ToSchema;

use super::view::{CountsView, Progress, Stays, counts, days_left, progress, stays};

/// What became of a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PrivacyStatus)]
pub(crate) struct StatusView {
    /// Always `privacy_status`.
    object: &'static str,
    /// Where it stands; `unknown` if the code leads to no request.
    #[schema(example = "in_processing")]
    pub(crate) state: &'static str,
    /// What was asked for.
    pub(crate) kind: Option<&'static str>,
    /// What it is about: the kind of thing alone. Null until it is known that whoever asked may.
    pub(crate) about: Option<&'static str>,
    /// Who answers for it.
    pub(crate) business: Option<String>,
    /// In words: what this means.
    pub(crate) summary: String,
    /// What can be done now, if anything can.
    pub(crate) what_next: Option<String>,
    /// How far it has come.
    pub(crate) progress: Option<Progress>,
    /// By when it is answered.
    pub(crate) due_at: Option<Time>,
    /// Whole days until then, while it is open.
    pub(crate) days_left: Option<i64>,
    /// When it was over.
    pub(crate) ended_at: Option<Time>,
    /// Why it was refused, as the business put it.
    pub(crate) reason: Option<String>,
    /// What was done.
    pub(crate) counts: Option<CountsView>,
    /// What stays, and why.
    pub(crate) stays: Vec<Stays>,
    /// Where the signed receipt is, once there is one.
    pub(crate) receipt_url: Option<String>,
}

/// Shows what became of a request of privacy
///
/// For whoever has the confirmation code: JSON where `Accept` asks for it, otherwise a page. An unknown code is answered
/// with 404 and the same shape.
#[utoipa::path(
    get,
    path = "/privacy/status/{code}",
    tag = "privacy",
    security(()),
    params(("code" = String, Path, description = "The confirmation code.")),
    responses(
        (status = 200, description = "What became of it.", content(
            (StatusView = "application/json"), (String = "text/html"))),
        (status = 404, description = "The code leads to no request.", content(
            (StatusView = "application/json"), (String = "text/html"))),
        (status = 429, description = "Too many from this address.", body = ProblemBody,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read_status(
    State(app): State<App>,
    Path(code): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (network, asked) = (network(&request), request.headers().clone());
    drop(request);
    admit(&app, &network).await?;
    let (status, view) = match find(&app, &code).await? {
        // One notice of a platform may have led to several businesses: it has a code of its own.
        None => match app.platform.find_removal(&code).await? {
            None => (StatusCode::NOT_FOUND, unknown()),
            Some(noted) => (StatusCode::OK, removal::status(&app, &noted).await?),
        },
        Some((scope, request)) => {
            let first = match *request.duplicate_of {
                Some(first) => scope.privacy_request(first).await?,
                None => None,
            };
            let base = app.platform.settings().public_base_url();
            let base = base.map_err(|_| Problem::internal())?;
            let receipt = format!(
                "{base}/privacy/status/{}/receipt",
                scope.privacy_code(*request.id)
            );
            let business = scope.business_name();
            let view = status_of(&request, first.as_ref(), business, scope.now(), receipt);
            (StatusCode::OK, view)
        }
    };
    Ok(answer(&asked, status, view))
}

/// The network that a request comes from.
pub(super) fn network(request: &Request) -> String {
    let address = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
        _ => None,
    };
    network_of(address.unwrap_or_default())
}

/// Counts a request of a network.
pub(super) async fn admit(app: &App, network: &str) -> Result<(), Problem> {
    let admitted = app.platform.admit_network(Class::PrivacyStatus, network).await;
    admitted.map_err(Problem::rate_limited)
}

/// The request that a code leads to.
pub(super) async fn find(app: &App, code: &str) -> Result<Option<(TenantScope, PrivacyRequest)>, Problem> {
    let Some(found) = app.platform.find_privacy_code(code).await? else {
        return Ok(None);
    };
    let scope = match app.platform.enter(*found.tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok(None),
        scope => scope?,
    };
    let request = scope.privacy_request(*found.request).await?;
    Ok(request.map(|request| (scope, request)))
}

fn answer(asked: &HeaderMap, status: StatusCode, view: StatusView) -> Response {
    let accepts = asked.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let json = accepts.is_some_and(|accepts| accepts.contains("application/json"));
    let mut response = if json {
        (status, Json(view)).into_response()
    } else {
        (status, axum::response::Html(html::page(&view))).into_response()
    };
    // The address is a secret of whoever asked: no cache keeps it, no other page learns it. Nothing runs on it.
    let headers: [(HeaderName, &str); 6] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::VARY, "Accept"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What is said of a code that leads nowhere: nothing about anybody.
fn unknown() -> StatusView {
    StatusView {
        object: "privacy_status",
        state: "unknown",
        kind: None,
        about: None,
        business: None,
        summary: "No request has this code.".to_owned(),
        what_next: Some(
            "Look whether the code is complete: it has 20 letters and digits. If you have lost it, ask the business \
             again on the channel that you wrote on."
                .to_owned(),
        ),
        progress: None,
        due_at: None,
        days_left: None,
        ended_at: None,
        reason: None,
        counts: None,
        stays: Vec::new(),
        receipt_url: None,
    }
}

fn status_of(
    request: &PrivacyRequest,
    // The open request for the same, if this is a duplicate: its progress is what whoever asked wants to know.
    first: Option<&PrivacyRequest>,
    business: &str,
    now: Timestamp,
    receipt_url: String,
) -> StatusView {
    let shown = first.unwrap_or(request);
    let confirmed = *request.state != RequestState::IdentityUnverified;
    let over = shown.state.is_over();
    let found = *request.subject != RequestSubject::Nobody;
    let complete = *shown.state == RequestState::Complete;
    StatusView {
        object: "privacy_status",
        state: request.state.name(),
        kind: Some(request.kind.name()),
        about: confirmed.then(|| request.subject.object()),
        business: Some(business.to_owned()).filter(|name| !name.is_empty()),
        summary: summary(request, shown),
        what_next: what_next(request),
        progress: Some(progress(shown, now)),
        due_at: Some(Time(*shown.due_at)),
        days_left: (!over).then(|| days_left(*shown.due_at, now)),
        ended_at: shown.ended_at.map(Time),
        reason: request.reason.get().clone(),
        counts: (complete && found).then(|| counts(shown)),
        stays: stays(shown),
        receipt_url: (complete && first.is_none()).then_some(receipt_url),
    }
}

/// What the state means, in words.
fn summary(request: &PrivacyRequest, shown: &PrivacyRequest) -> String {
    let text = match *shown.state {
        RequestState::IdentityUnverified => {
            "It is not confirmed yet that the request is yours. Until then nothing is done, and nothing is said about \
             what is kept."
        }
        RequestState::Pending => "The request was received and will be worked on.",
        RequestState::InProcessing => in_words(shown),
        RequestState::Complete => done_in_words(shown),
        RequestState::Denied => "The business has refused the request. The reason is below.",
        RequestState::Canceled => "The request was withdrawn. Nothing was done.",
        RequestState::Error => {
            "Something went wrong on our side. It is being looked at, and will be tried again."
        }
        RequestState::Duplicate => "The same was asked before.",
        RequestState::Deferred => {
            "What you asked to be erased has to be kept for the time being, because of a legal hold. It is erased by \
             itself when the hold ends; you need not ask again."
        }
    };
    if *request.state == RequestState::Duplicate {
        return format!("The same was asked before, and this is what became of it. {text}");
    }
    text.to_owned()
}

fn in_words(request: &PrivacyRequest) -> &'static str {
    match (
        *request.kind,
        request.unreadable_at.is_some(),
        request.removed_at.is_some(),
    ) {
        (RequestKind::Deletion, true, false) => {
            "Nothing of it can be read any more, by anybody. It is now being removed."
        }
        (RequestKind::Deletion, _, true) => {
            "It is removed. It will be looked for once more, and then the request is complete."
        }
        (RequestKind::Deletion, false, false) => "It is being erased.",
        (RequestKind::Access | RequestKind::Portability, _, _) => {
            "The business is putting together what it has of you."
        }
        (RequestKind::Correction, _, _) => "The business is putting it right.",
        _ => "It is being worked on.",
    }
}

fn done_in_words(request: &PrivacyRequest) -> &'static str {
    if *request.subject == RequestSubject::Nobody {
        return "Nothing was found that belongs to what you asked about. Nothing was erased, because nothing was there \
                under that name or account.";
    }
    match *request.kind {
        RequestKind::Deletion if request.removed_at.is_none() => {
            "Nothing of it is there any more, and nothing had to be erased."
        }
        RequestKind::Deletion => "It is erased. It was looked for afterwards, and nothing was found.",
        RequestKind::Access | RequestKind::Portability => {
            "The business has answered: you have what it has of you."
        }
        RequestKind::Correction => "The business has put it right.",
        RequestKind::Restriction => {
            "It is kept, and used for nothing: no AI reads it, and nothing is sent to you."
        }
        RequestKind::Objection => "No AI reads what you write any more. People answer you.",
    }
}

/// What whoever asked can do now.
fn what_next(request: &PrivacyRequest) -> Option<String> {
    let text = match *request.state {
        RequestState::IdentityUnverified => "Open the link in the mail that was sent to you.",
        RequestState::Complete if *request.subject == RequestSubject::Nobody => {
            "Ask on the very channel that you wrote on, by sending \u{201c}delete my data\u{201d} there: that always \
             finds you. Or ask the business by mail, with the name, address or number that you used."
        }
        RequestState::Denied => {
            "You can ask the business why, and you can turn to your data protection authority."
        }
        RequestState::Canceled => "You can ask again at any time.",
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests;
