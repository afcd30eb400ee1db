//! Lists of people whose data is to be deleted, as Meta mails them: each line becomes a request, or says why not.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::Serialize;
use usher_aws::TenantScope;
use usher_aws::clock::wall_now;
use usher_aws::deadline::Deadline;
use usher_aws::http::access::Granted;
use usher_aws::http::access::permission::PrivacyWrite;
use usher_aws::http::document::{Invalid, Refused};
use usher_aws::http::{App, FieldError, Problem};
use usher_aws::privacy::{Named, NewRequest};
use usher_aws::store::keys;
use usher_carriers::event::{Space, To};
use usher_carriers::meta::id_list::{self, Listed};
use usher_shared::ids::{ChannelId, PrivacyRequestId};
use usher_shared::model::{AuditAction, ChannelKind, ContactRef};
use usher_shared::privacy::{RequestKind, RequestSource, RequestSubject};
use usher_shared::scope::Scope;
use utoipa::ToSchema;

use crate::ask::Carriers;
use crate::removals::{RemovalError, whom};

/// A request looks for people for this long; what is left is told, for another request.
const WITHIN: Duration = Duration::from_secs(15);
/// What may be left when no further line is begun.
const ENOUGH: Duration = Duration::from_secs(5);

/// What became of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PrivacyImport)]
pub(crate) struct Imported {
    /// Always `privacy_import`.
    object: &'static str,
    /// Every line, in order.
    data: Vec<Line>,
    /// False if there was no time to look for all: send the same list again, which repeats nothing.
    complete: bool,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Fate {
    /// A deletion was opened, now or by the same list before.
    Opened,
    /// Nobody of this id wrote on a channel of yours, or the platform does not say who it is.
    NotFound,
    /// There was no time to look, or the platform did not answer.
    NotLookedFor,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PrivacyImportLine)]
struct Line {
    /// The line, from 1.
    #[serde(rename = "line")]
    number: usize,
    /// What became of it.
    state: Fate,
    /// The requests that it opened: one for each channel on which the person wrote.
    #[schema(value_type = Vec<String>)]
    requests: Vec<PrivacyRequestId>,
}

/// Imports a list of people whose data is to be deleted
///
/// CSV as Meta mails it: a column of ids, `user_id` if columns are named, and perhaps `page_id`; 500 people at most. Ids
/// may be those of the app or of a page. A list with a line that is none is refused as a whole, with each such line and
/// column. Sent again, it opens nothing anew. Scope: `privacy:write` and `leads:delete`.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/import",
    tag = "privacy",
    request_body(content = String, content_type = "text/csv", example = json!("user_id\n1208000000000077\n")),
    responses((status = 202, description = "What became of each line.", body = Imported), Refused, Invalid)
)]
pub(crate) async fn import_list(
    State(app): State<App>,
    Extension(carriers): Extension<Carriers>,
    granted: Granted<PrivacyWrite>,
    body: Body,
) -> Result<(StatusCode, Json<Imported>), Problem> {
    granted.also(Scope::LeadsDelete)?;
    let body = to_bytes(body, id_list::LONGEST)
        .await
        .map_err(|_| Problem::too_large(id_list::LONGEST))?;
    let listed = id_list::read(&body).map_err(|wrong| {
        let refused = wrong.into_iter();
        Problem::invalid(
            refused
                .map(|wrong| FieldError::new(format!("line {}.{}", wrong.line, wrong.field), wrong.why))
                .collect(),
        )
    })?;
    let scope = granted.scope();
    let end = wall_now().plus(WITHIN);
    let deadline = Deadline::from_millis(u64::try_from(end.millis()).unwrap_or_default());
    let desk = Desk {
        app: &app,
        carriers: &carriers,
        granted: &granted,
        channels: channels(scope).await?,
    };
    let (mut data, mut complete) = (Vec::new(), true);
    for one in &listed {
        let (state, requests) = if deadline.remaining() < ENOUGH {
            (Fate::NotLookedFor, Vec::new())
        } else {
            desk.take(one).await?
        };
        complete &= !matches!(state, Fate::NotLookedFor);
        data.push(Line {
            number: one.line,
            state,
            requests,
        });
    }
    let imported = Imported {
        object: "privacy_import",
        data,
        complete,
    };
    Ok((StatusCode::ACCEPTED, Json(imported)))
}

/// The tenant's channels at Meta, those that were disconnected included: what came by them may still be there.
async fn channels(scope: &TenantScope) -> Result<Vec<ChannelId>, Problem> {
    let rows = scope.store().query_all(&keys::channels(scope.tenant())).await?;
    let meta = rows
        .iter()
        .filter(|row| row.peek::<ChannelKind>("kind").is_some_and(ChannelKind::is_meta));
    Ok(meta.filter_map(|row| row.peek("id")).collect())
}

struct Desk<'a> {
    app: &'a App,
    carriers: &'a Carriers,
    granted: &'a Granted<PrivacyWrite>,
    channels: Vec<ChannelId>,
}

impl Desk<'_> {
    async fn take(&self, one: &Listed) -> Result<(Fate, Vec<PrivacyRequestId>), Problem> {
        let mut found = self.as_a_page_knows_them(one).await?;
        if found.is_empty() && one.page.is_none() {
            match self.as_the_app_knows_them(&one.person).await {
                Ok(contacts) => found = contacts,
                Err(RemovalError::NotNow) => return Ok((Fate::NotLookedFor, Vec::new())),
                Err(RemovalError::Keyring(error)) => return Err(error.into()),
                Err(RemovalError::Scope(error)) => return Err(error.into()),
                Err(RemovalError::Privacy(error)) => return Err(error.into()),
            }
        }
        if found.is_empty() {
            return Ok((Fate::NotFound, Vec::new()));
        }
        let mut requests = Vec::new();
        for contact in found {
            requests.push(self.open(contact).await?);
        }
        Ok((Fate::Opened, requests))
    }

    /// By the id that messages carry.
    async fn as_a_page_knows_them(&self, one: &Listed) -> Result<Vec<ContactRef>, Problem> {
        let scope = self.granted.scope();
        let channels = match &one.page {
            None => self.channels.clone(),
            Some(page) => self.of_page(page).await?.into_iter().collect(),
        };
        let mut found = Vec::new();
        for channel in channels {
            found.extend(scope.find_contact(channel, &one.person).await?);
        }
        Ok(found)
    }

    /// By the id under which the app knows them, as far as the platform says who that is on this tenant's pages.
    async fn as_the_app_knows_them(&self, person: &str) -> Result<Vec<ContactRef>, RemovalError> {
        let scope = self.granted.scope();
        let mut found = Vec::new();
        for known in whom(self.carriers, person).await? {
            let to = To {
                space: Space::Page,
                address: known.page.clone(),
            };
            let channel = self.app.platform.find_channel(&to).await?;
            if let Some(channel) = channel.filter(|channel| *channel.tenant == scope.tenant()) {
                found.extend(scope.find_contact(*channel.channel, &known.person).await?);
            }
        }
        Ok(found)
    }

    async fn of_page(&self, page: &str) -> Result<Option<ChannelId>, Problem> {
        let to = To {
            space: Space::Page,
            address: page.to_owned(),
        };
        let tenant = self.granted.scope().tenant();
        let found = self.app.platform.find_channel(&to).await?;
        Ok(found
            .filter(|found| *found.tenant == tenant)
            .map(|found| *found.channel))
    }

    async fn open(&self, contact: ContactRef) -> Result<PrivacyRequestId, Problem> {
        let scope = self.granted.scope();
        let new = NewRequest {
            kind: RequestKind::Deletion,
            subject: RequestSubject::Contact { contact },
            source: RequestSource::Meta,
            verified: true,
            // The person, whenever and however often a list names them.
            named: Named::Asked {
                at: contact.id.at(),
                words: format!("import {}", contact.id),
            },
            requested_by: Some(self.granted.key_id()),
            notes: None,
            reply_to: None,
        };
        let opened = self.app.platform.open_request(scope, new).await?;
        let id = *opened.request.id;
        let entry = self.granted.audit(AuditAction::PrivacyRequested, &id)?;
        let _written = scope.store().together(vec![entry]).await?;
        Ok(id)
    }
}
