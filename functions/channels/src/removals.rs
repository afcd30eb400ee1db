//! A person took an app off, or asks at the platform for all that it holds of them to be deleted (promise DEL-05).
//!
//! The platform names them by an id that no message carries. So it is asked under which ids they write to which pages;
//! each page has a channel, each channel a tenant, and in each tenant a request of its own is opened, under the tenant's
//! own credentials. The notice is answered before anybody is looked for: that takes as long as the platform takes.

use std::time::Duration;

use usher_aws::Platform;
use usher_aws::privacy::{Named, NewRequest, PrivacyError};
use usher_aws::scope::ScopeError;
use usher_aws::sealing::KeyringError;
use usher_aws::store::StoreError;
use usher_aws::telemetry::{self, Unit};
use usher_carriers::event::{Space, To};
use usher_carriers::meta::account::Refusal;
use usher_carriers::meta::people::{Known, ask_known, known};
use usher_shared::ids::{PrivacyRequestId, TenantId};
use usher_shared::privacy::{RequestKind, RequestSource, RequestSubject};
use usher_shared::records::AppRemoval;
use usher_shared::untrusted::KeyedHash;

use crate::ask::Carriers;

/// Longest that one answer of the platform may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// Pages of its answer that are read: somebody who wrote to more businesses than that is no person.
const PAGES: usize = 50;

/// Why a person was not looked for. The schedule does it again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemovalError {
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error(transparent)]
    Privacy(#[from] PrivacyError),
    /// The platform does not say whom the person wrote to.
    #[error("the platform cannot answer now")]
    NotNow,
}

impl From<StoreError> for RemovalError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// Looks for the person of a notice, and opens a request wherever they are found. Done again it does what is left.
///
/// # Errors
/// [`RemovalError`].
pub(crate) async fn look_for(
    platform: &Platform,
    carriers: &Carriers,
    notice: KeyedHash,
) -> Result<(), RemovalError> {
    let Some(noted) = platform.open_removal(notice).await? else {
        return Ok(());
    };
    let mut found = Vec::new();
    if let Some(person) = noted.person.get() {
        for known in whom(carriers, person).await? {
            found.extend(open(platform, &noted, &known).await?);
        }
    }
    let places = u32::try_from(found.len()).unwrap_or(u32::MAX);
    platform
        .conclude_removal(&noted, &found, platform.clock().now())
        .await?;
    tracing::info!(places, "a person who left at the platform was looked for");
    telemetry::emit(
        "channels",
        &[
            ("people_left", 1.0, Unit::Count),
            ("people_left_found", f64::from(places), Unit::Count),
        ],
    );
    Ok(())
}

/// Goes on with all notices whose person is still to be looked for. Gives how many are left.
///
/// # Errors
/// [`KeyringError`] if the list cannot be read.
pub(crate) async fn go_on(platform: &Platform, carriers: &Carriers) -> Result<u64, KeyringError> {
    let mut left = 0;
    for notice in platform.open_removals().await? {
        if let Err(error) = look_for(platform, carriers, notice).await {
            left += 1;
            tracing::error!(error = %error, "a person who left at the platform was not looked for");
        }
    }
    Ok(left)
}

/// The pages that the person wrote to, and who they are there, by each of our apps.
pub(crate) async fn whom(carriers: &Carriers, person: &str) -> Result<Vec<Known>, RemovalError> {
    let mut all = Vec::new();
    for app in 0..carriers.endpoints.app_ids.len() {
        let mut after = None;
        for _ in 0..PAGES {
            let Some(call) = ask_known(&carriers.endpoints, app, person, after.as_deref()) else {
                break;
            };
            let answer = carriers.web.call(&call, PATIENCE).await;
            let answer = answer.map_err(|_| RemovalError::NotNow)?;
            let found = match known(&answer) {
                Ok(found) => found,
                // Another app's person, or nobody whom it still knows.
                Err(Refusal::Refused { .. }) => break,
                Err(Refusal::NotNow { .. } | Refusal::Trouble(_)) => return Err(RemovalError::NotNow),
            };
            all.extend(found.known);
            after = found.after;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(all)
}

/// Opens the request of the tenant whose channel the page is, if the person ever wrote on it.
async fn open(
    platform: &Platform,
    noted: &AppRemoval,
    known: &Known,
) -> Result<Option<(TenantId, PrivacyRequestId)>, RemovalError> {
    let to = To {
        space: Space::Page,
        address: known.page.clone(),
    };
    let Some(channel) = platform.find_channel(&to).await? else {
        return Ok(None);
    };
    let scope = match platform.enter(*channel.tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok(None),
        scope => scope?,
    };
    let Some(contact) = scope.find_contact(*channel.channel, &known.person).await? else {
        return Ok(None);
    };
    let new = NewRequest {
        kind: RequestKind::Deletion,
        subject: RequestSubject::Contact { contact },
        source: RequestSource::Meta,
        verified: true,
        named: Named::Asked {
            at: *noted.at,
            words: format!("{} {}", *noted.notice, contact.id),
        },
        requested_by: None,
        notes: None,
        // They asked at the platform, which has shown them the page.
        reply_to: None,
    };
    let opened = platform.open_request(&scope, new).await?;
    Ok(Some((scope.tenant(), *opened.request.id)))
}
