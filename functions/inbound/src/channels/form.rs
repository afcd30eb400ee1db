//! Forms on the tenant's pages. Whoever fills one in is answered by mail or text message, through another channel of the
//! tenant's.

mod answers;

use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::http::{App, FieldError, IdempotencyKey, Problem};
use usher_aws::store::StoreError;
use usher_aws::telemetry::{self, Unit};
use usher_carriers::event::{Attached, MailHead, Person, Said, Source};
use usher_carriers::form::{Enquiry, File, Form, LONGEST, NoForm};
use usher_shared::channel::AttachmentKind;
use usher_shared::ids::MessageId;
use usher_shared::masking::{Masking, mask};
use usher_shared::model::MessageState;
use usher_shared::records::ChannelAddress;

use super::cors;
use crate::receive::{Copies, Inbound, Received, Thread, came_at, receive};

/// The same from the same person within this time is one submission: somebody clicked twice.
const DOUBLE_CLICK: Duration = Duration::from_secs(30);
/// What a browser shows that was told no other page.
const THANKS: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Thank you</title>\
    <p>Thank you. Your message was received.</p></html>";

/// The routes of forms.
pub fn routes(app: App) -> Router<App> {
    Router::new()
        .route("/forms/{channel_key}", post(submit).options(cors::never_reached))
        .route_layer(middleware::from_fn_with_state(app, cors::admit))
}

/// What the page that posted wants to get back.
struct Wanted {
    json: bool,
    thank_you: Option<String>,
}

/// `POST /forms/{channel_key}`.
async fn submit(
    State(app): State<App>,
    Extension(scope): Extension<TenantScope>,
    Extension(channel): Extension<ChannelAddress>,
    IdempotencyKey(key): IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let content_type = header_text(&head.headers, &header::CONTENT_TYPE);
    let accept = header_text(&head.headers, &header::ACCEPT);
    let body = axum::body::to_bytes(body, LONGEST).await;
    let body = body.map_err(|_| Problem::too_large(LONGEST))?;
    let form = Form::parse(content_type, &body).map_err(|error| match error {
        NoForm::TooLarge => Problem::too_large(LONGEST),
        NoForm::Type => {
            Problem::malformed("The body must be JSON, multipart/form-data or a URL-encoded form.")
        }
        NoForm::Malformed => Problem::malformed("The body is not what its type says."),
        NoForm::NotUtf8 => Problem::malformed("The body is not UTF-8."),
    })?;
    drop(body);
    let opened = app.platform.recall_channel(&scope, *channel.channel).await?;
    let settings = opened.map(|channel| channel.settings()).unwrap_or_default();
    let wanted = Wanted {
        json: is_json(content_type) || accept.contains("application/json"),
        thank_you: settings.thank_you_url.clone(),
    };
    if form.is_trapped() {
        // It is told what anybody is told, and learns nothing.
        telemetry::emit("inbound", &[("forms_trapped", 1.0, Unit::Count)]);
        return Ok(thank(&wanted, MessageId::generate(scope.now(), scope.entropy())));
    }
    let mut enquiry = Enquiry::read(form).map_err(|wrong| {
        let refused = wrong.into_iter();
        Problem::invalid(
            refused
                .map(|wrong| FieldError::new(wrong.field, wrong.message))
                .collect(),
        )
    })?;
    let reach = answers::reach(&app, &scope, settings.answers_by, &enquiry).await?;
    let profile = &enquiry.profile;
    let address = profile.email.clone().or_else(|| profile.phone.clone());
    let address = address.unwrap_or_default();
    let event = match enquiry.id.take().or(key) {
        Some(id) => id,
        None => event(&scope, &channel, &address, &enquiry).await?,
    };
    let inbound = Inbound {
        person: Person {
            address,
            alias: None,
            profile: enquiry.profile,
        },
        event,
        copies: Copies::Alike,
        at: None,
        said: Said {
            text: enquiry.text,
            attachments: enquiry.files.into_iter().map(attached).collect(),
            mail: enquiry.subject.map(|subject| MailHead {
                subject,
                ..MailHead::default()
            }),
            ..Said::default()
        },
        // An enquiry of its own: what the same address asked before is nobody's business who merely types it in.
        thread: Thread::New,
        reach,
    };
    match receive(&app.platform, &scope, &channel, inbound).await? {
        Received::Stored(id, _) => Ok(thank(&wanted, id)),
        Received::Forgotten => Ok(thank(&wanted, MessageId::generate(scope.now(), scope.entropy()))),
        // Nothing else is said of a message.
        Received::Conflict | Received::Noted | Received::Ignored(_) => Err(Problem::unprocessable(
            "idempotency_key_reused",
            "The submission's id was used before, with another text.",
        )),
    }
}

/// Names a submission by what it says and when: the same one that was posted a moment ago is that one.
async fn event(
    scope: &TenantScope,
    channel: &ChannelAddress,
    address: &str,
    enquiry: &Enquiry,
) -> Result<String, StoreError> {
    let window = i64::try_from(DOUBLE_CLICK.as_millis()).unwrap_or(i64::MAX);
    let current = scope.now().millis() / window;
    // No hash is made of a card's number.
    let text = mask(&enquiry.text, Masking::ALL).text;
    let subject = enquiry.subject.as_deref().unwrap_or_default();
    let files: Vec<_> = enquiry
        .files
        .iter()
        .map(|file| (&file.field, &file.name, file.bytes.len()))
        .collect();
    let named = |window: i64| format!("{window}\n{subject}\n{files:?}\n{text}");
    let before = named(current - 1);
    let came = came_at(scope, channel, address, &before).await?;
    if came.is_some_and(|at| scope.now().since(at) < DOUBLE_CLICK) {
        return Ok(before);
    }
    Ok(named(current))
}

fn attached(file: File) -> Attached {
    let claimed = file.media_type.as_deref().unwrap_or_default();
    let kind = match claimed.split('/').next() {
        Some("image") => AttachmentKind::Image,
        Some("audio") => AttachmentKind::Audio,
        Some("video") => AttachmentKind::Video,
        _ => AttachmentKind::Document,
    };
    Attached {
        kind,
        source: Source::Bytes(file.bytes),
        name: file.name,
        media_type: file.media_type,
        size: None,
        sha256: None,
    }
}

fn thank(wanted: &Wanted, id: MessageId) -> Response {
    if wanted.json {
        let view = json!({"object": "form_submission", "id": id, "state": MessageState::Received});
        return (StatusCode::ACCEPTED, axum::Json(view)).into_response();
    }
    match &wanted.thank_you {
        Some(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url.clone())]).into_response(),
        None => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], THANKS).into_response(),
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
