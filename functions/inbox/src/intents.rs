//! What people can be after.

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::http::{Checks, Problem, Strict};
use usher_aws::store::{When, keys};
use usher_shared::intents::{Intents, InvalidIntents};
use usher_shared::model::AuditAction;
use utoipa::ToSchema;

use crate::access::Granted;
use crate::access::permission::{SettingsRead, SettingsWrite};
use crate::openapi::{Invalid, Refused, TooLarge};

/// What people can be after.
#[derive(Serialize, ToSchema)]
#[schema(as = Intents)]
pub(crate) struct IntentsView {
    /// Always `intents`.
    #[schema(example = "intents")]
    object: &'static str,
    /// In the order in which they decide.
    intents: Vec<Intent>,
}

/// One thing that people can be after.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Intent {
    /// Its name: 1 to 40 letters of a to z and `_`.
    #[schema(example = "repair_request")]
    name: String,
    /// Words by which the built-in provider tells it: at most 30, of 2 to 30 letters each.
    #[schema(example = json!(["repair", "broken"]))]
    words: Vec<String>,
}

/// What people can be after from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewIntents {
    /// In the order in which they decide: at most 30.
    intents: Vec<Intent>,
}

impl From<&Intents> for IntentsView {
    fn from(intents: &Intents) -> Self {
        let list = intents.list().map(|(name, words)| Intent {
            name: name.to_string(),
            words: words.to_vec(),
        });
        Self {
            object: "intents",
            intents: list.collect(),
        }
    }
}

fn checked(wanted: NewIntents) -> Result<Intents, Problem> {
    let list = wanted.intents.into_iter().map(|one| (one.name, one.words));
    Intents::new(list.collect()).map_err(|why| {
        let field = match why {
            InvalidIntents::Count => "intents".to_owned(),
            InvalidIntents::Name(place) => format!("intents[{place}].name"),
            InvalidIntents::Words(place) => format!("intents[{place}].words"),
        };
        let mut checks = Checks::default();
        checks.refuse(field, why.to_string());
        checks.finish().err().unwrap_or_else(Problem::internal)
    })
}

/// Reads what people can be after
///
/// A built-in list, unless it was changed. Scope: `settings:read`.
#[utoipa::path(
    get,
    path = "/v1/intents",
    tag = "settings",
    responses(
        (status = 200, description = "What people can be after.", body = IntentsView),
        Refused,
    )
)]
pub(crate) async fn read_intents(granted: Granted<SettingsRead>) -> Json<IntentsView> {
    Json(granted.scope().intents().into())
}

/// Changes what people can be after
///
/// Counts for the next question: models choose from these names and from no others, the built-in provider goes by the
/// words. What a lead was given before stays with it, also if its name is no longer here. Scope: `settings:write`.
#[utoipa::path(
    put,
    path = "/v1/intents",
    tag = "settings",
    request_body(content = NewIntents, example = json!({"intents": [
        {"name": "repair_request", "words": ["repair", "broken"]}, {"name": "pricing_inquiry", "words": ["price"]}]})),
    responses(
        (status = 200, description = "What people can be after now.", body = IntentsView),
        Refused,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn change_intents(
    granted: Granted<SettingsWrite>,
    request: Strict<NewIntents>,
) -> Result<Json<IntentsView>, Problem> {
    let scope = granted.scope();
    let wanted = checked(request.value)?;
    let entry = granted.audit(AuditAction::IntentsChanged, &scope.tenant())?;
    let row = keys::tenant(scope.tenant());
    let set = vec![("intents", json!(wanted))];
    let change = scope.store().updating(&row, set, &[When::Present])?;
    let changed = scope.store().together(vec![change, entry]).await?;
    if changed.happened() {
        Ok(Json((&wanted).into()))
    } else {
        Err(Problem::not_found())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::tests::refused_fields;

    #[test]
    fn a_bad_list_is_refused_by_the_place_of_what_is_bad() {
        let check = |body| checked(serde_json::from_value(body).unwrap());
        let good = json!({"name": "repair", "words": ["broken"]});
        assert!(check(json!({"intents": [good]})).is_ok());
        assert!(check(json!({"intents": []})).is_ok());
        for (list, field) in [
            (
                json!([good, {"name": "Anna Berg", "words": []}]),
                "intents[1].name",
            ),
            (
                json!([{"name": "call", "words": ["+15550100199"]}]),
                "intents[0].words",
            ),
            (json!(vec![good.clone(); 31]), "intents"),
        ] {
            let refused = check(json!({"intents": list})).unwrap_err();
            assert_eq!(refused_fields(&refused), [field]);
        }
    }
}
