//! Leads: people who may become customers, with what they volunteered on each address.

use axum::Json;
use serde::{Deserialize, Serialize};
use usher_aws::TenantScope;
use usher_aws::http::{Checks, List, ListQuery, Problem, QueryOf, Strict, read_page};
use usher_aws::sealing::DataKey;
use usher_aws::store::keys;
use usher_shared::identifier::Identifier;
use usher_shared::ids::{ApiKeyId, ChannelId, ContactId, ConversationId, LeadId};
use usher_shared::merging::MergedLead;
use usher_shared::records::{Contact, Lead, LeadIdentifier};
use utoipa::ToSchema;

use crate::access::permission::LeadsRead;
use crate::access::{Granted, PathId};
use crate::openapi::{Invalid, NotFound, Refused, TooLarge};
use crate::paging::open_each;
use crate::words::{ProfileField, Time};

/// A person who may become a customer.
#[derive(Serialize, ToSchema)]
#[schema(as = Lead)]
pub(crate) struct LeadView {
    /// Always `lead`.
    #[schema(example = "lead")]
    object: &'static str,
    /// Its id.
    #[schema(value_type = String, example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: LeadId,
    /// What the person is after.
    #[schema(example = json!(["booking"]))]
    intents: Vec<String>,
    /// The addresses the person wrote from. At least one; forgotten ones are left out.
    contacts: Vec<LeadContactView>,
    /// The leads that were merged into it, and can be taken out of it again.
    merged: Vec<MergedView>,
    /// When it was captured.
    created_at: Time,
    /// When it last changed.
    last_activity_at: Time,
}

/// A lead that was merged into another.
#[derive(Serialize, ToSchema)]
#[schema(as = MergedLead)]
pub(crate) struct MergedView {
    /// Its id, under which it comes back.
    #[schema(value_type = String, example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    lead_id: LeadId,
    /// When it was merged.
    merged_at: Time,
}

impl From<&MergedLead> for MergedView {
    fn from(part: &MergedLead) -> Self {
        Self {
            lead_id: part.lead,
            merged_at: Time(part.at),
        }
    }
}

/// Where a part of a profile is from, if not from a message: a person of the business corrected it.
#[derive(Serialize, ToSchema)]
#[schema(as = Correction)]
pub(crate) struct CorrectionView {
    /// The fields that are as the person set them.
    fields: Vec<ProfileField>,
    /// By the holder of which API key.
    #[schema(value_type = String, example = "key_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    by: ApiKeyId,
    /// When.
    corrected_at: Time,
}

/// One address of a lead, and what the person volunteered there.
#[derive(Serialize, ToSchema)]
#[schema(as = LeadContact)]
pub(crate) struct LeadContactView {
    /// The address, as an id.
    #[schema(value_type = String, example = "cont_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    contact_id: ContactId,
    /// The channel.
    #[schema(value_type = String, example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    channel_id: ChannelId,
    /// The conversation in progress.
    #[schema(value_type = String, example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    conversation_id: ConversationId,
    /// Name.
    #[schema(example = "Anna Berg")]
    name: Option<String>,
    /// E-mail address.
    #[schema(example = "anna.berg@example.com")]
    email: Option<String>,
    /// Phone number, as `+` and digits.
    #[schema(example = "+15550100199")]
    phone: Option<String>,
    /// The name by which the platform shows the person, without `@`.
    #[schema(example = "anna_berg")]
    handle: Option<String>,
    /// What the person is known by and answered at on the channel, in its one spelling: an id of the platform, a
    /// phone number, an e-mail address. Absent where people come and fetch, as on a web chat.
    #[schema(example = "24510988311234567")]
    address: Option<String>,
    /// What of it a person of the business corrected; `null` where all is from messages.
    corrected: Option<CorrectionView>,
    /// When the person first wrote from it.
    first_seen_at: Time,
    /// When the person last wrote from it, to the day.
    last_seen_at: Time,
}

impl From<Contact> for LeadContactView {
    fn from(contact: Contact) -> Self {
        let profile = contact.profile.into_inner();
        Self {
            contact_id: *contact.id,
            channel_id: *contact.channel,
            conversation_id: *contact.conversation,
            name: profile.name,
            email: profile.email,
            phone: profile.phone,
            handle: profile.handle,
            address: contact.reach.into_inner().map(|reach| reach.address),
            corrected: contact.corrected.0.map(|correction| CorrectionView {
                fields: correction.fields.into_iter().map(Into::into).collect(),
                by: correction.by,
                corrected_at: Time(correction.at),
            }),
            first_seen_at: Time(*contact.first_seen),
            last_seen_at: Time(*contact.last_seen),
        }
    }
}

impl LeadView {
    /// `None` without a contact that can be read: then the person is forgotten.
    fn new(lead: &Lead, contacts: Vec<Contact>) -> Option<Self> {
        (!contacts.is_empty()).then(|| Self {
            object: "lead",
            id: *lead.id,
            intents: lead.all_intents().iter().map(ToString::to_string).collect(),
            merged: lead.parts().iter().map(Into::into).collect(),
            contacts: contacts.into_iter().map(Into::into).collect(),
            created_at: Time(*lead.created_at),
            last_activity_at: Time(*lead.last_activity),
        })
    }
}

/// Lists leads
///
/// Newest activity first. Scope: `leads:read`.
#[utoipa::path(
    get,
    path = "/v1/leads",
    tag = "leads",
    params(ListQuery),
    responses(
        (status = 200, description = "One page.", body = List<LeadView>),
        Refused,
        Invalid,
    )
)]
pub(crate) async fn list_leads(
    granted: Granted<LeadsRead>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<List<LeadView>>, Problem> {
    let scope = granted.scope();
    let page = read_page(scope, &keys::leads(scope.tenant()), "leads", &query, true).await?;
    let views = open_each(page, |row| async move {
        let lead = scope.store().open(row, &DataKey::none())?;
        view(scope, lead).await
    });
    Ok(Json(views.await?))
}

/// Reads a lead
///
/// Scope: `leads:read`.
#[utoipa::path(
    get,
    path = "/v1/leads/{id}",
    tag = "leads",
    params(("id" = String, Path, description = "The lead.", example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The lead.", body = LeadView),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn read_lead(
    granted: Granted<LeadsRead>,
    PathId(id): PathId<LeadId>,
) -> Result<Json<LeadView>, Problem> {
    let scope = granted.scope();
    let row = keys::lead(scope.tenant(), id);
    let lead = scope.store().get(&row, &DataKey::none(), true).await?;
    let view = view(scope, lead.ok_or_else(Problem::not_found)?).await?;
    view.map(Json).ok_or_else(Problem::not_found)
}

/// What to look for, and which page of it. In a body, because an address in a URL ends up in logs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeadSearch {
    /// The e-mail address, in any case.
    #[schema(example = "anna.berg@example.com")]
    email: Option<String>,
    /// The phone number with its country code, grouped in any way.
    #[schema(example = "+1 555 010 0199")]
    phone: Option<String>,
    /// The name by which the platform shows the person, with or without `@`.
    #[schema(example = "@anna_berg")]
    handle: Option<String>,
    /// Items at most, 1 to 100; 20 if not given.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `next_cursor` of a page: gives the page after it.
    after: Option<String>,
    /// `previous_cursor` of a page: gives the page before it.
    before: Option<String>,
}

/// Finds leads by an address
///
/// Leads of which a contact gave exactly this e-mail address, phone number or handle; exactly one of the three
/// must be named. An address that nobody gave finds an empty list. Scope: `leads:read`.
#[utoipa::path(
    post,
    path = "/v1/leads/search",
    tag = "leads",
    request_body(content = LeadSearch, example = json!({"email": "anna.berg@example.com"})),
    responses(
        (status = 200, description = "One page.", body = List<LeadView>),
        Refused,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn search_leads(
    granted: Granted<LeadsRead>,
    request: Strict<LeadSearch>,
) -> Result<Json<List<LeadView>>, Problem> {
    let wanted = wanted(&request.value)?;
    let scope = granted.scope();
    let hash = scope.identifier_hash(&wanted);
    let LeadSearch {
        limit, after, before, ..
    } = request.value;
    let query = ListQuery { limit, after, before };
    let range = keys::contacts_with(scope.tenant(), hash);
    let page = read_page(scope, &range, &format!("leads/{hash}"), &query, false).await?;
    let wanted = &wanted;
    let views = open_each(page, |row| async move {
        let hint: LeadIdentifier = scope.store().open(row, &DataKey::none())?;
        // The contact knows its lead: the hint may be from before it was merged with another.
        let found = scope.open_contact(*hint.contact).await?;
        let Some(id) = found.and_then(|(contact, _)| *contact.lead) else {
            return Ok(None);
        };
        let row = keys::lead(scope.tenant(), id);
        let Some(lead) = scope.store().get(&row, &DataKey::none(), true).await? else {
            return Ok(None);
        };
        let contacts = contacts(scope, &lead).await?;
        // The profile decides, not the hint. A lead that has the address twice is shown once, for the first.
        let first = contacts
            .iter()
            .find(|contact| Identifier::of(contact.profile.get()).contains(wanted));
        if first.is_none_or(|contact| *contact.id != hint.contact.id) {
            return Ok(None);
        }
        Ok(LeadView::new(&lead, contacts))
    });
    Ok(Json(views.await?))
}

/// The one identifier that is asked for.
fn wanted(request: &LeadSearch) -> Result<Identifier, Problem> {
    type Parse = fn(&str) -> Result<Identifier, usher_shared::identifier::InvalidIdentifier>;
    let kinds: [(&str, &Option<String>, Parse); 3] = [
        ("email", &request.email, Identifier::email),
        ("phone", &request.phone, Identifier::phone),
        ("handle", &request.handle, Identifier::handle),
    ];
    let mut given = kinds
        .into_iter()
        .filter_map(|(name, text, parse)| Some((name, text.as_deref()?, parse)));
    let Some((name, text, parse)) = given.next() else {
        return Err(Problem::invalid_field("", "must have email, phone or handle"));
    };
    let mut checks = Checks::default();
    for (other, ..) in given {
        checks.refuse(other, format!("cannot be combined with {name}"));
    }
    checks.finish()?;
    parse(text).map_err(|error| Problem::invalid_field(name, error.to_string()))
}

pub(crate) async fn view(scope: &TenantScope, lead: Lead) -> Result<Option<LeadView>, Problem> {
    let contacts = contacts(scope, &lead).await?;
    Ok(LeadView::new(&lead, contacts))
}

/// The contacts of a lead that are not forgotten.
pub(crate) async fn contacts(scope: &TenantScope, lead: &Lead) -> Result<Vec<Contact>, Problem> {
    let mut contacts = Vec::new();
    for contact in &*lead.contacts {
        if let Some((contact, _keys)) = scope.open_contact(*contact).await? {
            contacts.push(contact);
        }
    }
    Ok(contacts)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;
    use usher_shared::Timestamp;
    use usher_shared::model::{ContactRef, Profile};
    use usher_shared::untrusted::KeyedHash;

    fn lead_of(at: Timestamp) -> (Lead, Contact) {
        let address = KeyedHash::from_bytes([9; 16]);
        let contact = Contact {
            address: address.into(),
            id: ContactId::derived(at, [2; 10]).into(),
            channel: ChannelId::derived(at, [3; 10]).into(),
            first_seen: at.into(),
            last_seen: at.into(),
            conversation: ConversationId::derived(at, [4; 10]).into(),
            lead: Some(LeadId::derived(at, [1; 10])).into(),
            erased_at: None.into(),
            withdrawn: None.into(),
            asked: None.into(),
            corrected: None.into(),
            revision: None.into(),
            reach: None.into(),
            profile: Profile {
                email: Some("anna@example.com".to_owned()),
                ..Profile::default()
            }
            .into(),
        };
        let lead = Lead {
            id: LeadId::derived(at, [1; 10]).into(),
            contacts: vec![ContactRef {
                address,
                id: *contact.id,
            }]
            .into(),
            created_at: at.into(),
            last_activity: at.into(),
            intents: vec!["booking".parse().unwrap()].into(),
            own_activity: None.into(),
            merged: None.into(),
        };
        (lead, contact)
    }

    #[test]
    fn a_lead_is_shown_with_what_each_contact_volunteered() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let (lead, contact) = lead_of(at);
        let shown = serde_json::to_value(LeadView::new(&lead, vec![contact]).unwrap()).unwrap();
        assert_eq!(
            shown,
            json!({
                "object": "lead",
                "id": LeadId::derived(at, [1; 10]).to_string(),
                "intents": ["booking"],
                "merged": [],
                "contacts": [{
                    "contact_id": ContactId::derived(at, [2; 10]).to_string(),
                    "channel_id": ChannelId::derived(at, [3; 10]).to_string(),
                    "conversation_id": ConversationId::derived(at, [4; 10]).to_string(),
                    "name": null,
                    "email": "anna@example.com",
                    "phone": null,
                    "handle": null,
                    "address": null,
                    "corrected": null,
                    "first_seen_at": "2026-09-21T14:13:20.523Z",
                    "last_seen_at": "2026-09-21T14:13:20.523Z",
                }],
                "created_at": "2026-09-21T14:13:20.523Z",
                "last_activity_at": "2026-09-21T14:13:20.523Z",
            })
        );
    }

    #[test]
    fn a_lead_whose_contacts_are_all_forgotten_is_not_shown() {
        let (lead, _) = lead_of(Timestamp::from_millis(1));
        assert!(LeadView::new(&lead, Vec::new()).is_none());
    }
}
