//! What is masked in messages before they are stored.

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::http::{Problem, Strict};
use usher_aws::store::{When, keys};
use usher_shared::masking::Masking;
use usher_shared::model::AuditAction;
use utoipa::ToSchema;

use crate::access::Granted;
use crate::access::permission::{SettingsRead, SettingsWrite};
use crate::openapi::{Invalid, Refused, TooLarge};

/// What is masked in messages before they are stored or shown to a model.
#[derive(Serialize, ToSchema)]
#[schema(as = Masking)]
pub(crate) struct MaskingView {
    /// Always `masking`.
    #[schema(example = "masking")]
    object: &'static str,
    /// Whether payment card numbers become `•••• ` and their last four digits.
    cards: bool,
    /// Whether government ids become `[••••]`.
    government_ids: bool,
}

impl From<Masking> for MaskingView {
    fn from(masking: Masking) -> Self {
        Self {
            object: "masking",
            cards: masking.cards,
            government_ids: masking.government_ids,
        }
    }
}

/// What shall be masked from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMasking {
    /// Mask payment card numbers.
    cards: bool,
    /// Mask government ids.
    government_ids: bool,
}

/// Reads what is masked
///
/// Everything, unless it was switched off. Scope: `settings:read`.
#[utoipa::path(
    get,
    path = "/v1/masking",
    tag = "settings",
    responses(
        (status = 200, description = "What is masked.", body = MaskingView),
        Refused,
    )
)]
pub(crate) async fn read_masking(granted: Granted<SettingsRead>) -> Json<MaskingView> {
    Json(granted.scope().masking().into())
}

/// Changes what is masked
///
/// Counts for messages from now on: switching on at once, switching off within a minute. What is stored stays
/// as it is. Scope: `settings:write`.
#[utoipa::path(
    put,
    path = "/v1/masking",
    tag = "settings",
    request_body(content = NewMasking, example = json!({"cards": true, "government_ids": false})),
    responses(
        (status = 200, description = "What is masked now.", body = MaskingView),
        Refused,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn change_masking(
    granted: Granted<SettingsWrite>,
    request: Strict<NewMasking>,
) -> Result<Json<MaskingView>, Problem> {
    let scope = granted.scope();
    let NewMasking {
        cards,
        government_ids,
    } = request.value;
    let wanted = Masking {
        cards,
        government_ids,
    };
    if wanted == scope.masking() {
        return Ok(Json(wanted.into()));
    }
    // Together: nothing is switched off without a trace of who did it.
    let entry = granted.audit(AuditAction::MaskingChanged, &scope.tenant())?;
    let row = keys::tenant(scope.tenant());
    let change = scope
        .store()
        .updating(&row, vec![("masking", json!(wanted))], &[When::Present])?;
    let changed = scope.store().together(vec![change, entry]).await?;
    if changed.happened() {
        Ok(Json(wanted.into()))
    } else {
        Err(Problem::not_found())
    }
}
