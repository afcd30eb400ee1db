//! Whether anything may be made of the business's own replies.

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::http::{Problem, Strict};
use usher_aws::store::{When, keys};
use usher_shared::ids::ApiKeyId;
use usher_shared::improvement::Improvement;
use usher_shared::model::AuditAction;
use utoipa::ToSchema;

use crate::access::Granted;
use crate::access::permission::{SettingsRead, SettingsWrite};
use crate::openapi::{Invalid, Refused, TooLarge};
use crate::words::Time;

/// Whether anything may be made of the business's own replies.
#[derive(Serialize, ToSchema)]
#[schema(as = Improvement)]
pub(crate) struct ImprovementView {
    /// Always `improvement`.
    #[schema(example = "improvement")]
    object: &'static str,
    /// Whether it may.
    allowed: bool,
    /// The API key of whoever said so last; `null` if nobody ever did.
    #[schema(value_type = Option<String>, example = "key_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    changed_by: Option<ApiKeyId>,
    /// When.
    changed_at: Option<Time>,
}

impl From<Option<&Improvement>> for ImprovementView {
    fn from(switch: Option<&Improvement>) -> Self {
        Self {
            object: "improvement",
            allowed: switch.is_some_and(|switch| switch.allowed),
            changed_by: switch.map(|switch| switch.by),
            changed_at: switch.map(|switch| Time(switch.at)),
        }
    }
}

/// Whether anything may be made of the business's own replies from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewImprovement {
    /// Whether it may.
    allowed: bool,
}

/// Reads whether replies may be learned from
///
/// No, unless it was allowed. Scope: `settings:read`.
#[utoipa::path(
    get,
    path = "/v1/improvement",
    tag = "settings",
    responses(
        (status = 200, description = "Whether they may.", body = ImprovementView),
        Refused,
    )
)]
pub(crate) async fn read_improvement(granted: Granted<SettingsRead>) -> Json<ImprovementView> {
    Json(granted.scope().improvement().into())
}

/// Changes whether replies may be learned from
///
/// Of what people of the business wrote themselves, for this business alone. As yet nothing is made of it; whatever will
/// be asks this first. Scope: `settings:write`.
#[utoipa::path(
    put,
    path = "/v1/improvement",
    tag = "settings",
    request_body(content = NewImprovement, example = json!({"allowed": false})),
    responses(
        (status = 200, description = "Whether they may now.", body = ImprovementView),
        Refused,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn change_improvement(
    granted: Granted<SettingsWrite>,
    request: Strict<NewImprovement>,
) -> Result<Json<ImprovementView>, Problem> {
    let scope = granted.scope();
    let wanted = Improvement {
        allowed: request.value.allowed,
        by: granted.key_id(),
        at: scope.now(),
    };
    let known = scope.improvement();
    if known.is_some_and(|known| known.allowed == wanted.allowed) {
        return Ok(Json(known.into()));
    }
    let entry = granted.audit(AuditAction::ImprovementChanged, &scope.tenant())?;
    let row = keys::tenant(scope.tenant());
    let set = vec![("improvement", json!(wanted))];
    let change = scope.store().updating(&row, set, &[When::Present])?;
    let changed = scope.store().together(vec![change, entry]).await?;
    if changed.happened() {
        Ok(Json(Some(&wanted).into()))
    } else {
        Err(Problem::not_found())
    }
}
