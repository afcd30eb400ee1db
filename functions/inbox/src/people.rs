//! What people of the business do to leads: correct them, and say which of them are one person.

use axum::Json;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::http::{Checks, Problem, ProblemBody, Strict, TextRule};
use usher_aws::merging::Merging;
use usher_aws::sealing::DataKey;
use usher_aws::store::{Read, When, keys};
use usher_shared::identifier::Identifier;
use usher_shared::ids::{ContactId, LeadId};
use usher_shared::lead::ProfileField as Field;
use usher_shared::model::AuditAction;
use usher_shared::records::{Contact, Lead, LeadIdentifier};
use usher_shared::untrusted::Label;
use utoipa::{IntoResponses, ToSchema};

use crate::access::permission::{LeadsRead, LeadsWrite};
use crate::access::{Granted, PathId};
use crate::leads::{LeadView, contacts, view};
use crate::openapi::{Invalid, NotFound, Refused, TooLarge};

const NAME_CHARACTERS: usize = 200;
const MOST_INTENTS: usize = 30;
/// Leads that are suggested at most, and hints that are read for each identifier.
const SUGGESTIONS: usize = 20;
const HINTS: usize = 50;

/// What is wrong with a lead, put right.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeadCorrection {
    /// What the person is after: names of the list, or names that the lead has.
    #[serde(default)]
    #[schema(example = json!(["booking_request"]))]
    intents: Option<Vec<String>>,
    /// What the person is called and reached at, by one of the lead's contacts.
    #[serde(default)]
    contact: Option<ContactCorrection>,
}

/// Data of one contact, put right. What is left out stays as it is; `null` is what there is none of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactCorrection {
    /// Which contact.
    #[schema(value_type = String, example = "cont_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    contact_id: ContactId,
    /// Name: up to 200 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "Anna Berg")]
    name: Change,
    /// E-mail address.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "anna.berg@example.com")]
    email: Change,
    /// Phone number with its country code.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "+15550100199")]
    phone: Change,
}

/// What is said of a field: nothing, that it is to be empty (`null`), or its text.
type Change = Option<Option<String>>;

/// A field that is there, be it `null`.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

impl ContactCorrection {
    fn checked(self, checks: &mut Checks) -> Vec<(Field, Option<String>)> {
        type Parse = fn(&str) -> Result<Identifier, usher_shared::identifier::InvalidIdentifier>;
        let mut fields = Vec::new();
        if self.name.is_none() && self.email.is_none() && self.phone.is_none() {
            checks.refuse("contact", "must have name, email or phone");
        }
        if let Some(name) = self.name {
            let name = name.map(|name| checks.text("contact.name", &name, TextRule::Line(NAME_CHARACTERS)));
            fields.push((Field::Name, name));
        }
        let spelled: [(Field, &str, Change, Parse); 2] = [
            (Field::Email, "contact.email", self.email, Identifier::email),
            (Field::Phone, "contact.phone", self.phone, Identifier::phone),
        ];
        for (field, name, value, parse) in spelled {
            match value {
                None => {}
                Some(None) => fields.push((field, None)),
                Some(Some(text)) => match parse(&text) {
                    Ok(identifier) => fields.push((field, Some(identifier.as_str().to_owned()))),
                    Err(why) => checks.refuse(name, why.to_string()),
                },
            }
        }
        fields
    }
}

/// Names of the tenant's list, and such as the lead has already: what is taken off the list stays on old leads.
fn intents(scope: &TenantScope, lead: &Lead, wanted: &[String], checks: &mut Checks) -> Vec<Label> {
    if wanted.len() > MOST_INTENTS {
        checks.refuse("intents", format!("must be at most {MOST_INTENTS}"));
        return Vec::new();
    }
    let mut intents = Vec::new();
    for (place, name) in wanted.iter().enumerate() {
        match name.parse::<Label>() {
            Ok(name) if intents.contains(&name) => {}
            Ok(name) if scope.intents().knows(&name) || lead.intents.contains(&name) => intents.push(name),
            _ => checks.refuse(format!("intents[{place}]"), "is not on the list of intents"),
        }
    }
    intents
}

async fn lead(scope: &TenantScope, id: LeadId) -> Result<Lead, Problem> {
    let row = keys::lead(scope.tenant(), id);
    let found = scope.store().get(&row, &DataKey::none(), true).await?;
    found.ok_or_else(Problem::not_found)
}

fn busy() -> Problem {
    let detail = "Something else happened to the lead at the same time; try again.";
    Problem::conflict("lead_changed", detail)
}

/// It changed at the same time; nothing was done.
#[derive(IntoResponses)]
#[response(status = 409, content_type = "application/problem+json", example = json!({
    "code": "lead_changed", "title": "Conflict", "status": 409,
    "detail": "Something else happened to the lead at the same time; try again.",
    "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
}))]
#[expect(dead_code, reason = "describes an answer")]
pub(crate) struct Changed(ProblemBody);

/// Corrects a lead
///
/// What the person is called and reached at, and what they are after. The lead is found by what is right from now on, and
/// no longer by what was wrong; a message that is read once more does not bring that back. Scope: `leads:write`.
#[utoipa::path(
    patch,
    path = "/v1/leads/{id}",
    tag = "leads",
    params(("id" = String, Path, description = "The lead.", example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    request_body(content = LeadCorrection, example = json!({"intents": ["booking_request"], "contact": {
        "contact_id": "cont_01k5p0d3sbqgd2h6x7mzv9e4ra", "email": "anna.berg@example.com", "phone": null}})),
    responses(
        (status = 200, description = "The lead as it is now.", body = LeadView),
        Changed,
        Refused,
        NotFound,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn correct_lead(
    granted: Granted<LeadsWrite>,
    PathId(id): PathId<LeadId>,
    request: Strict<LeadCorrection>,
) -> Result<Json<LeadView>, Problem> {
    let scope = granted.scope();
    let found = lead(scope, id).await?;
    let mut checks = Checks::default();
    let LeadCorrection {
        intents: tags,
        contact,
    } = request.value;
    if tags.is_none() && contact.is_none() {
        checks.refuse("", "must have intents or contact");
    }
    let tags = tags.map(|tags| intents(scope, &found, &tags, &mut checks));
    let contact = contact.map(|contact| (contact.contact_id, contact.checked(&mut checks)));
    checks.finish()?;

    let mut parts = vec![granted.audit(AuditAction::LeadCorrected, &id)?];
    let same = When::Is("contacts", json!(found.contacts.0));
    let row = keys::lead(scope.tenant(), id);
    parts.push(match tags {
        Some(tags) => scope
            .store()
            .updating(&row, vec![("intents", json!(tags))], &[same])?,
        None => scope.store().demanding(&row, &[same])?,
    });
    let mut corrected = None;
    if let Some((contact, fields)) = contact {
        let named = found.contacts.iter().find(|known| known.id == contact);
        let named = *named.ok_or_else(Problem::not_found)?;
        let open = scope.open_contact(named).await?;
        let (mut record, contact_keys) = open.ok_or_else(Problem::not_found)?;
        let unchanged = scope.unchanged(&record);
        if scope.correct(&mut record, fields, granted.key_id()) {
            let row = keys::contact(scope.tenant(), named.address);
            let key = contact_keys.contact();
            parts.push(scope.store().putting(&row, &record, key, unchanged)?);
            // Whoever is forgotten at this moment is not written down anew.
            let row = keys::contact_key(scope.tenant(), named.id);
            parts.push(scope.store().demanding(&row, &[When::Present])?);
        }
        corrected = Some((named, record));
    }
    if !scope.store().together(parts).await?.happened() {
        return Err(busy());
    }
    // Also when nothing changed: an earlier attempt may have died between profile and index.
    if let Some((contact, record)) = corrected {
        scope.index_profile(id, contact, record.profile.get()).await?;
    }
    shown(scope, lead(scope, id).await?).await
}

async fn shown(scope: &TenantScope, lead: Lead) -> Result<Json<LeadView>, Problem> {
    let view = view(scope, lead).await?;
    view.map(Json).ok_or_else(Problem::not_found)
}

/// Leads that may be the same person.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadSuggestions)]
pub(crate) struct SuggestionsView {
    /// Always `lead_suggestions`.
    #[schema(example = "lead_suggestions")]
    object: &'static str,
    /// At most 20.
    data: Vec<SuggestionView>,
}

/// A lead that may be the same person, and why.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadSuggestion)]
pub(crate) struct SuggestionView {
    /// The other lead.
    lead: LeadView,
    /// What both gave: `email`, `phone`, `handle`.
    #[schema(example = json!(["email"]))]
    shared: Vec<&'static str>,
}

/// Finds leads that may be the same person
///
/// Those that gave the same e-mail address, phone number or handle. Nothing is merged by itself. Scope: `leads:read`.
#[utoipa::path(
    get,
    path = "/v1/leads/{id}/suggestions",
    tag = "leads",
    params(("id" = String, Path, description = "The lead.", example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "What was found.", body = SuggestionsView),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn suggest_leads(
    granted: Granted<LeadsRead>,
    PathId(id): PathId<LeadId>,
) -> Result<Json<SuggestionsView>, Problem> {
    let scope = granted.scope();
    let own = contacts(scope, &lead(scope, id).await?).await?;
    if own.is_empty() {
        return Err(Problem::not_found());
    }
    let mut identifiers: Vec<Identifier> = Vec::new();
    for identifier in own
        .iter()
        .flat_map(|contact| Identifier::of(contact.profile.get()))
    {
        if !identifiers.contains(&identifier) {
            identifiers.push(identifier);
        }
    }
    let mut found: Vec<(LeadId, Vec<&'static str>)> = Vec::new();
    for identifier in &identifiers {
        for other in leads_with(scope, identifier).await? {
            if other == id {
                continue;
            }
            match found.iter_mut().find(|(known, _)| *known == other) {
                Some((_, shared)) if shared.contains(&identifier.kind()) => {}
                Some((_, shared)) => shared.push(identifier.kind()),
                None => found.push((other, vec![identifier.kind()])),
            }
        }
    }
    // Who shares most comes first.
    found.sort_by_key(|(_, shared)| std::cmp::Reverse(shared.len()));
    let mut data = Vec::new();
    for (other, shared) in found.into_iter().take(SUGGESTIONS) {
        let row = keys::lead(scope.tenant(), other);
        let Some(other) = scope.store().get(&row, &DataKey::none(), true).await? else {
            continue;
        };
        if let Some(lead) = view(scope, other).await? {
            data.push(SuggestionView { lead, shared });
        }
    }
    Ok(Json(SuggestionsView {
        object: "lead_suggestions",
        data,
    }))
}

/// Leads of which a profile says so.
async fn leads_with(scope: &TenantScope, identifier: &Identifier) -> Result<Vec<LeadId>, Problem> {
    let range = keys::contacts_with(scope.tenant(), scope.identifier_hash(identifier));
    let read = Read {
        limit: HINTS,
        backward: false,
        consistent: true,
        after: None,
    };
    let mut leads = Vec::new();
    for row in scope.store().query(&range, &read).await?.rows {
        let hint: LeadIdentifier = scope.store().open(row, &DataKey::none())?;
        let says = |contact: &Contact| Identifier::of(contact.profile.get()).contains(identifier);
        let open = scope.open_contact(*hint.contact).await?;
        let lead = open
            .filter(|(contact, _)| says(contact))
            .and_then(|(contact, _)| *contact.lead);
        leads.extend(lead);
    }
    Ok(leads)
}

/// The other lead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtherLead {
    /// The other lead.
    #[schema(value_type = String, example = "lead_01k5p0d3sbqgd2h6x7mzv9e4rb")]
    lead_id: LeadId,
}

async fn merged(scope: &TenantScope, done: Merging) -> Result<Json<LeadView>, Problem> {
    match done {
        Merging::Done(lead) => shown(scope, lead).await,
        Merging::NotFound => Err(Problem::not_found()),
        Merging::Cannot(why) => Err(Problem::invalid_field("lead_id", why.to_string())),
        Merging::NotMerged => Err(Problem::invalid_field("lead_id", "was not merged into this lead")),
        Merging::Busy => Err(busy()),
    }
}

/// Merges a lead into this one
///
/// They are one person: this lead has the other's contacts from now on, and the other is no more. Nothing of either
/// changes, and it can be taken out again. Deleting this lead deletes both. Scope: `leads:write`.
#[utoipa::path(
    post,
    path = "/v1/leads/{id}/merge",
    tag = "leads",
    params(("id" = String, Path, description = "The lead that stays.", example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    request_body(content = OtherLead, example = json!({"lead_id": "lead_01k5p0d3sbqgd2h6x7mzv9e4rb"})),
    responses(
        (status = 200, description = "The lead as it is now.", body = LeadView),
        Changed,
        Refused,
        NotFound,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn merge_leads(
    granted: Granted<LeadsWrite>,
    PathId(id): PathId<LeadId>,
    request: Strict<OtherLead>,
) -> Result<Json<LeadView>, Problem> {
    let (scope, other) = (granted.scope(), request.value.lead_id);
    let entry = granted.audit(AuditAction::LeadsMerged, &id)?;
    let done = scope.merge_leads(id, other, granted.key_id(), entry).await?;
    merged(scope, done).await
}

/// Takes a lead out of this one
///
/// One that was merged into it: both are what they were. Scope: `leads:write`.
#[utoipa::path(
    post,
    path = "/v1/leads/{id}/unmerge",
    tag = "leads",
    params(("id" = String, Path, description = "The lead that it was merged into.", example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    request_body(content = OtherLead, example = json!({"lead_id": "lead_01k5p0d3sbqgd2h6x7mzv9e4rb"})),
    responses(
        (status = 200, description = "The lead as it is now.", body = LeadView),
        Changed,
        Refused,
        NotFound,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn unmerge_leads(
    granted: Granted<LeadsWrite>,
    PathId(id): PathId<LeadId>,
    request: Strict<OtherLead>,
) -> Result<Json<LeadView>, Problem> {
    let (scope, other) = (granted.scope(), request.value.lead_id);
    let entry = granted.audit(AuditAction::LeadsUnmerged, &id)?;
    let done = scope.unmerge_leads(id, other, entry).await?;
    merged(scope, done).await
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::tests::refused_fields;
    use serde_json::Value;

    const CONTACT: &str = "cont_01k5p0d3sbqgd2h6x7mzv9e4ra";

    fn check(body: Value) -> Result<Vec<(Field, Option<String>)>, Problem> {
        let mut checks = Checks::default();
        let correction: ContactCorrection = serde_json::from_value(body).unwrap();
        let fields = correction.checked(&mut checks);
        checks.finish().map(|()| fields)
    }

    #[test]
    fn what_is_left_out_stays_and_null_is_what_there_is_none_of() {
        let fields = check(json!({"contact_id": CONTACT, "email": "Anna.Berg@EXAMPLE.com", "phone": null}));
        let email = Some("anna.berg@example.com".to_owned());
        assert_eq!(fields.unwrap(), [(Field::Email, email), (Field::Phone, None)]);
    }

    #[test]
    fn what_is_no_address_is_refused_by_the_name_of_its_field() {
        for (body, fields) in [
            (json!({"contact_id": CONTACT}), vec!["contact"]),
            (json!({"contact_id": CONTACT, "name": "  "}), vec!["contact.name"]),
            (
                json!({"contact_id": CONTACT, "name": "x\ny"}),
                vec!["contact.name"],
            ),
            (
                json!({"contact_id": CONTACT, "email": "anna", "phone": "0123"}),
                vec!["contact.email", "contact.phone"],
            ),
        ] {
            assert_eq!(refused_fields(&check(body).unwrap_err()), fields);
        }
    }
}
