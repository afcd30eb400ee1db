//! Errors over HTTP: RFC 9457 problem details with a stable code.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use usher_shared::ids::HoldId;
use usher_shared::rate::Wait;
use usher_shared::scope::Scope;

use crate::files::FileError;
use crate::privacy::PrivacyError;
use crate::restart::RestartError;
use crate::scope::ScopeError;
use crate::sealing::KeyringError;
use crate::serving::NotServing;
use crate::store::StoreError;

/// One field of a request that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Path of the field, with dots; empty for the body as a whole.
    pub field: String,
    /// Why. Never repeats the value.
    pub message: String,
}

impl FieldError {
    /// A refusal of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// The body of an error answer, `application/problem+json`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// Stable word for programs.
    pub code: String,
    /// Short text of the status.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened, safe to show.
    pub detail: String,
    /// Id of the request, for support.
    pub request_id: String,
    /// Refused fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Id of the resource that stands in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// Ids of the holds that keep it from being deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<String>,
}

/// An error answer. The request's id is filled in by [`super::wrap`].
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    resource_id: Option<Box<str>>,
    holds: Vec<String>,
    /// Boxed: few problems have one, and every result carries the space.
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            resource_id: None,
            holds: Vec::new(),
            header: None,
        }
    }

    /// 401: no valid credential. Does not say what was wrong with it.
    pub fn unauthorized(code: &'static str, detail: &'static str) -> Self {
        let challenge = (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        Self {
            header: Some(Box::new(challenge)),
            ..Self::new(StatusCode::UNAUTHORIZED, code, detail)
        }
    }

    /// 403: the key lacks a scope.
    pub fn missing_scope(scope: Scope) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "missing_scope",
            format!("The API key lacks the scope {scope}."),
        )
    }

    /// 403: the page may not use this channel.
    pub fn origin_not_allowed() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "origin_not_allowed",
            "This page may not use this channel.",
        )
    }

    /// 403: a webhook that its carrier did not sign, or not as it has to be.
    pub fn signature_invalid() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "signature_invalid",
            "The request is not signed as it has to be.",
        )
    }

    /// 400: not signed by an app of ours, or too long ago.
    pub fn signed_request_invalid() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "signed_request_invalid",
            "signed_request is not one of this app's, or is not current.",
        )
    }

    /// 403: whoever asks whether a webhook is ours does not show what was agreed on.
    pub fn verify_token_refused() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "verify_token_refused",
            "The verify token is not the one that was agreed on.",
        )
    }

    /// 400: a body that cannot be read as what it claims to be.
    pub fn malformed(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_body", detail)
    }

    /// 404: not there, or another tenant's.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such resource.")
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "The resource has no such method.",
        )
    }

    /// 409.
    pub fn conflict(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// The same problem, naming the resource that stands in the way.
    #[must_use]
    pub fn about(self, resource: &impl ToString) -> Self {
        Self {
            resource_id: Some(resource.to_string().into()),
            ..self
        }
    }

    /// 409: holds keep it from being deleted.
    pub fn held(holds: &[HoldId]) -> Self {
        let detail = "It cannot be deleted while it is held; holds names what holds it.";
        Self {
            holds: holds.iter().map(ToString::to_string).collect(),
            ..Self::conflict("held", detail)
        }
    }

    /// 410: it was here and is gone for good.
    pub fn gone(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::GONE, code, detail)
    }

    /// 413: more bytes than `limit`.
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("The body may have at most {limit} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// 422: refused fields.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_request",
            "Some fields were refused.",
        );
        Self { errors, ..problem }
    }

    /// 422: one refused field.
    pub fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// 422 with its own code.
    pub fn unprocessable(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 429: asked too often.
    pub fn rate_limited(wait: Wait) -> Self {
        let detail = "Too many requests. Try again after the time in Retry-After.";
        Self {
            header: Some(Box::new((header::RETRY_AFTER, HeaderValue::from(wait.seconds())))),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
        }
    }

    /// 503: something behind the API did not answer in time; the same request may succeed later.
    pub fn unavailable() -> Self {
        let again = (header::RETRY_AFTER, HeaderValue::from_static("1"));
        let detail = "The service did not answer in time. Nothing is lost by trying again.";
        Self {
            header: Some(Box::new(again)),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        }
    }

    /// 503: the data was restored from a backup, and what was deleted since has to be removed from it again before
    /// anything of it is shown.
    pub fn restoring() -> Self {
        let again = (header::RETRY_AFTER, HeaderValue::from_static("60"));
        let detail = "The data is being restored from a backup and cannot be used yet. Nothing is lost by trying \
                      again later.";
        Self {
            header: Some(Box::new(again)),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "restoring", detail)
        }
    }

    /// 500: an error of ours; details are in the log under the request's id.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something failed on our side.",
        )
    }

    /// The refused fields.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    pub(super) fn body(&self, request_id: &str) -> ProblemBody {
        ProblemBody {
            code: self.code.to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
            resource_id: self.resource_id.as_deref().map(str::to_owned),
            holds: self.holds.clone(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some((name, value)) = self.header.as_deref().cloned() {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let again = error.may_succeed_later();
        tracing::error!(error = %error, "store failed");
        if again {
            Self::unavailable()
        } else {
            Self::internal()
        }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        tracing::error!(error = %error, "file storage failed");
        Self::unavailable()
    }
}

impl From<crate::attachments::AttachmentError> for Problem {
    fn from(error: crate::attachments::AttachmentError) -> Self {
        use crate::attachments::AttachmentError;
        match error {
            AttachmentError::Keyring(error) => error.into(),
            AttachmentError::File(error) => error.into(),
            AttachmentError::Settings(error) => {
                tracing::error!(error = %error, "not configured");
                Self::internal()
            }
        }
    }
}

impl From<RestartError> for Problem {
    fn from(error: RestartError) -> Self {
        match error {
            RestartError::Store(error) => error.into(),
            RestartError::Queue(_) => {
                tracing::error!(error = %error, "job not sent");
                Self::unavailable()
            }
            RestartError::Settings(_) => {
                tracing::error!(error = %error, "queue not known");
                Self::internal()
            }
        }
    }
}

impl From<crate::channels::ConnectError> for Problem {
    fn from(error: crate::channels::ConnectError) -> Self {
        match error {
            crate::channels::ConnectError::Taken => Self::conflict(
                "address_connected",
                "This address is connected already. Disconnect it there first.",
            ),
            crate::channels::ConnectError::Keyring(error) => error.into(),
        }
    }
}

impl From<KeyringError> for Problem {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::NotServing(error) => error.into(),
            KeyringError::Store(error) => error.into(),
            KeyringError::Kms { .. } => {
                tracing::error!(error = %error, "key service failed");
                Self::unavailable()
            }
            KeyringError::Sealing(_) => {
                tracing::error!(error = %error, "key does not open");
                Self::internal()
            }
        }
    }
}

impl From<NotServing> for Problem {
    fn from(error: NotServing) -> Self {
        tracing::error!(error = %error, "not serving");
        match error {
            NotServing::Restoring => Self::restoring(),
            NotServing::Unknown(_) => Self::unavailable(),
        }
    }
}

impl From<PrivacyError> for Problem {
    fn from(error: PrivacyError) -> Self {
        match error {
            PrivacyError::Keyring(error) => error.into(),
            PrivacyError::Settings(error) => ScopeError::from(error).into(),
        }
    }
}

impl From<ScopeError> for Problem {
    fn from(error: ScopeError) -> Self {
        match error {
            ScopeError::UnknownTenant => Self::not_found(),
            ScopeError::NotServing(error) => error.into(),
            ScopeError::Keyring(error) => error.into(),
            ScopeError::Credentials(_) | ScopeError::Settings(_) => {
                tracing::error!(error = %error, "tenant cannot be entered");
                Self::unavailable()
            }
        }
    }
}
