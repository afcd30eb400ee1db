//! Fetching an attachment from where its carrier says that it is.

use std::time::Duration;

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::attachments::{AttachmentError, attachment_key, judge};
use usher_aws::sealing::DataKey;
use usher_aws::store::{When, keys};
use usher_aws::telemetry::{self, Unit};
use usher_aws::web::{FetchRefused, Limits};
use usher_carriers::meta::account;
use usher_carriers::twilio;
use usher_shared::attachment::{AttachmentClaim, Origin};
use usher_shared::channel::{AttachmentKind, AttachmentRefusal, AttachmentState, Connection};
use usher_shared::record::key;
use usher_shared::records::{Attachment, AttachmentJob};
use usher_shared::sniff::largest;

use crate::Attachments;
use crate::work::{WorkError, remove};

/// A file has to be there after this long, the longest of them at half a megabyte a second.
const TIME: Duration = Duration::from_mins(1);
/// What a carrier has only just recorded may not be there yet, for as long as this.
const SOON: Duration = Duration::from_mins(10);
/// A question to a carrier has to be answered after this long.
const CALL: Duration = Duration::from_secs(10);

/// It cannot be had now. Another attempt may help.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum NotNow {
    /// The server.
    #[error("not fetched: {0}")]
    Fetch(FetchRefused),
    /// The carrier did not say where it is.
    #[error("the carrier did not say where it is")]
    Carrier,
}

/// Why there is nothing: for good, or for the time being.
enum Failed {
    ForGood(AttachmentRefusal),
    NotNow(NotNow),
}

/// What was fetched.
struct Found {
    bytes: Vec<u8>,
    /// The media type that its server told.
    served: Option<String>,
    /// What is claimed of it, with what the carrier added when it was asked.
    claim: AttachmentClaim,
}

/// A place, and what opens it.
struct Way {
    url: String,
    headers: Vec<(&'static str, String)>,
}

/// Fetches an attachment that waits, once. What is forgotten, fetched or refused stays as it is.
pub(crate) async fn fetch(
    function: &Attachments,
    scope: &TenantScope,
    job: &AttachmentJob,
) -> Result<(), WorkError> {
    let Some(open) = scope.open_conversation(*job.conversation).await? else {
        return Ok(());
    };
    let row = keys::attachment(scope.tenant(), *job.conversation, *job.message, *job.attachment);
    let found = scope.store().get(&row, &open.key, true).await?;
    let Some(attachment) = found.filter(|row| *row.state == AttachmentState::Pending) else {
        return Ok(());
    };
    let mut claim = attachment.claim.get().clone();
    let Some(origin) = claim.origin.take() else {
        return refuse(scope, attachment, &open.key, AttachmentRefusal::NotOffered).await;
    };
    let found = match find(function, scope, &attachment, origin, claim).await? {
        Ok(found) => found,
        Err(Failed::ForGood(why)) => return refuse(scope, attachment, &open.key, why).await,
        Err(Failed::NotNow(why)) => return Err(why.into()),
    };
    let served = found.served.as_deref();
    match judge(&found.bytes, served, &found.claim, *attachment.kind) {
        Err(why) => refuse(scope, attachment, &open.key, why).await,
        Ok(media_type) => {
            let attachment = Attachment {
                media_type: Some(media_type).into(),
                ..attachment
            };
            let kept = scope.keep_bytes(attachment, found.bytes, &open.key).await?;
            if kept.happened() {
                tracing::info!(tenant.id = %scope.tenant(), attachment.id = %*job.attachment, "attachment stored");
                telemetry::emit("attachments", &[("stored", 1.0, Unit::Count)]);
                return Ok(());
            }
            // Forgotten meanwhile, perhaps.
            remove(scope, job).await
        }
    }
}

/// The message stays, the attachment says why it is not there.
async fn refuse(
    scope: &TenantScope,
    mut attachment: Attachment,
    key: &DataKey<key::Conversation>,
    why: AttachmentRefusal,
) -> Result<(), WorkError> {
    attachment.state = AttachmentState::Refused.into();
    attachment.refusal = Some(why).into();
    attachment.claim = AttachmentClaim {
        origin: None,
        ..attachment.claim.get().clone()
    }
    .into();
    let row = attachment_key(scope, &attachment);
    let when = When::Is("state", json!(AttachmentState::Pending));
    let written = scope.store().put(&row, &attachment, key, when).await?;
    if written.happened() {
        tracing::warn!(
            tenant.id = %scope.tenant(),
            attachment.id = %*attachment.id,
            attachment.refusal = ?why,
            "attachment refused"
        );
        telemetry::emit("attachments", &[("refused", 1.0, Unit::Count)]);
    }
    Ok(())
}

async fn find(
    function: &Attachments,
    scope: &TenantScope,
    attachment: &Attachment,
    origin: Origin,
    mut claim: AttachmentClaim,
) -> Result<Result<Found, Failed>, WorkError> {
    let is_recording = matches!(&origin, Origin::CarrierUrl(url) if url.contains("/Recordings/"));
    let is_soon = is_recording && scope.now().since(*attachment.at) < SOON;
    let way = match way(function, scope, attachment, origin, &mut claim).await? {
        Ok(way) => way,
        Err(failed) => return Ok(Err(failed)),
    };
    let most = largest(AttachmentKind::Other);
    if claim.size.is_some_and(|claimed| claimed > most) {
        return Ok(Err(Failed::ForGood(AttachmentRefusal::TooLarge)));
    }
    let limits = Limits {
        bytes: claim.size.unwrap_or(most),
        time: TIME,
    };
    let headers: Vec<(&str, &str)> = way
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let fetched = match function.web.fetch(&way.url, &headers, limits).await {
        Ok(fetched) => {
            let served = fetched.media_type.clone();
            fetched.whole().await.map(|bytes| (bytes, served))
        }
        Err(error) => Err(error),
    };
    Ok(match fetched {
        Ok((bytes, served)) => Ok(Found { bytes, served, claim }),
        Err(FetchRefused::TooLarge) if claim.size.is_some() => {
            Err(Failed::ForGood(AttachmentRefusal::SizeMismatch))
        }
        Err(error @ FetchRefused::Status(404)) if is_soon => Err(Failed::NotNow(NotNow::Fetch(error))),
        Err(error) => Err(failed(error)),
    })
}

/// Where an attachment is, and what opens it. Credentials go to their carrier's own hosts alone.
async fn way(
    function: &Attachments,
    scope: &TenantScope,
    attachment: &Attachment,
    origin: Origin,
    claim: &mut AttachmentClaim,
) -> Result<Result<Way, Failed>, WorkError> {
    let (url, media) = match origin {
        Origin::Url(url) => {
            let headers = Vec::new();
            return Ok(Ok(Way { url, headers }));
        }
        Origin::CarrierUrl(url) => (Some(url), String::new()),
        Origin::Media(id) => (None, id),
    };
    let endpoints = function.platform.carriers().map_err(AttachmentError::from)?;
    let channel = function
        .platform
        .recall_channel(scope, *attachment.channel)
        .await?;
    let connection = channel.as_ref().and_then(|channel| channel.connection.as_ref());
    Ok(match (connection, url) {
        (Some(Connection::Twilio(twilio)), Some(url)) => {
            let call = twilio::fetch(&endpoints.twilio, twilio, &url);
            let headers = call.headers;
            Ok(Way { url, headers })
        }
        (Some(Connection::Meta(meta)), Some(url)) => {
            let own = account::is_platforms(&endpoints, &url);
            let headers = if own {
                account::medium_headers(meta)
            } else {
                Vec::new()
            };
            Ok(Way { url, headers })
        }
        (Some(Connection::Meta(meta)), None) => {
            let ask = account::ask_medium(&endpoints, meta, &media);
            let Ok(answer) = function.web.call(&ask, CALL).await else {
                return Ok(Err(Failed::NotNow(NotNow::Carrier)));
            };
            match account::medium(&answer) {
                Ok(medium) if account::is_platforms(&endpoints, &medium.url) => {
                    claim.media_type = claim.media_type.take().or(medium.media_type);
                    claim.size = claim.size.or(medium.size);
                    let told = medium.sha256.map(hex::encode);
                    claim.sha256 = claim.sha256.take().or(told);
                    let headers = account::medium_headers(meta);
                    Ok(Way {
                        url: medium.url,
                        headers,
                    })
                }
                Ok(_) => Err(Failed::ForGood(AttachmentRefusal::AddressRefused)),
                Err(account::Refusal::Refused { .. }) => Err(Failed::ForGood(AttachmentRefusal::Gone)),
                Err(_) => Err(Failed::NotNow(NotNow::Carrier)),
            }
        }
        // Disconnected since: what opened it is gone.
        _ => Err(Failed::ForGood(AttachmentRefusal::Unavailable)),
    })
}

/// What a failed fetch means. Carriers' addresses are signed for a time: "forbidden" means that it is over.
fn failed(error: FetchRefused) -> Failed {
    match error {
        FetchRefused::Address(_) => Failed::ForGood(AttachmentRefusal::AddressRefused),
        FetchRefused::TooLarge => Failed::ForGood(AttachmentRefusal::TooLarge),
        FetchRefused::Status(403 | 404 | 410) => Failed::ForGood(AttachmentRefusal::Gone),
        error if error.is_transient() => Failed::NotNow(NotNow::Fetch(error)),
        _ => Failed::ForGood(AttachmentRefusal::Unavailable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_the_rest_says_why() {
        let table = [
            (FetchRefused::TooLarge, Some(AttachmentRefusal::TooLarge)),
            (FetchRefused::Redirects, Some(AttachmentRefusal::Unavailable)),
            (FetchRefused::Status(401), Some(AttachmentRefusal::Unavailable)),
            (FetchRefused::Status(403), Some(AttachmentRefusal::Gone)),
            (FetchRefused::Status(404), Some(AttachmentRefusal::Gone)),
            (FetchRefused::Status(410), Some(AttachmentRefusal::Gone)),
            (FetchRefused::Status(429), None),
            (FetchRefused::Status(503), None),
            (FetchRefused::Unreachable, None),
            (FetchRefused::TimeUp, None),
        ];
        for (error, expected) in table {
            let found = match failed(error) {
                Failed::ForGood(why) => Some(why),
                Failed::NotNow(_) => None,
            };
            assert_eq!(found, expected, "{error}");
        }
    }
}
