//! Erasing one message and nothing else of its conversation. Its key is the conversation's, which stays: so the rows and
//! files are what goes, and copies in backups go with the backups. The receipt and the status say so.

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::forgetting::exports::{remove_files, withdraw};
use usher_aws::store::{When, keys};
use usher_shared::Timestamp;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::model::ContactRef;
use usher_shared::privacy::RequestCounts;
use usher_shared::records::{PrivacyRequest, Trace};

use crate::privacy::{Look, begun, change, complete, defer, stored};
use crate::{EraseError, Eraser, report};

/// Erases a message; a second time, once nobody can write anymore what was made of it.
pub(crate) async fn delete(
    eraser: &Eraser,
    scope: &TenantScope,
    request: &PrivacyRequest,
    conversation: ConversationId,
    message: MessageId,
) -> Result<Look, EraseError> {
    let tenant = scope.tenant();
    let row = keys::message(tenant, conversation, message);
    let found = scope.store().get_row(&row, true).await?;
    if let Some(contact) = found.as_ref().and_then(|row| row.peek::<ContactRef>("contact")) {
        let protected = scope.holds().protected().await?;
        if protected.conversation(conversation, contact.id) {
            defer(scope, request).await?;
            return Ok(Look::Rests);
        }
        // What was sent before is not taken again from a carrier that delivers it late.
        let mark = vec![("erased_at", json!(message.at()))];
        let when = vec![
            When::Is("id", json!(contact.id)),
            When::AbsentOrBelow("erased_at", json!(message.at())),
        ];
        let contact_row = keys::contact(tenant, contact.address);
        let _later_already = scope.store().update(&contact_row, mark, when).await?;
    }
    begun(scope, request).await?;
    if request.removed_at.is_none() {
        withdraw(scope).await?;
    }
    let (rows, files) = remove(scope, conversation, message).await?;
    remove_files(scope, &eraser.platform.files(scope)?).await?;
    let request = stored(scope, request).await?;
    let counts = RequestCounts {
        rows: request.counts.rows + rows,
        files: request.counts.files + files,
        ..*request.counts
    };
    let now = scope.now();
    let Some(removed_at) = *request.removed_at else {
        if rows == 0 {
            // Nothing of it was there.
            complete(scope, &request, Vec::new()).await?;
            return Ok(Look::Rests);
        }
        if let Ok(target) = message.to_string().parse() {
            report::tell(scope, target, None, now).await?;
        }
        let set = vec![("removed_at", json!(now)), ("counts", json!(counts))];
        change(scope, &request, set).await?;
        return Ok(Look::Again(eraser.second_look));
    };
    let waited = now.since(removed_at);
    if waited < eraser.second_look {
        return Ok(Look::Again(eraser.second_look.saturating_sub(waited)));
    }
    let set = vec![("verified_at", json!(now)), ("counts", json!(counts))];
    complete(scope, &request, set).await?;
    Ok(Look::Rests)
}

/// Removes the message, what came with it, and what the AI noted of turns that may quote it.
async fn remove(
    scope: &TenantScope,
    conversation: ConversationId,
    message: MessageId,
) -> Result<(u64, u64), EraseError> {
    let (tenant, store) = (scope.tenant(), scope.store());
    let attachments = scope.attachment_files()?;
    let (mut rows, mut files) = (0, 0);
    let range = keys::attachments_of(tenant, conversation, message);
    for row in store.query_all(&range).await? {
        let attachment: Option<usher_shared::ids::AttachmentId> = row.peek("id");
        if let Some(id) = attachment {
            files += attachments.delete_copies(conversation, id).await?;
        }
    }
    files += attachments.delete_message(conversation, message).await?;
    rows += store.purge(&range).await?;
    for row in store.query_all(&keys::traces(tenant, conversation)).await? {
        let quoted = |since: Timestamp, at: Timestamp| since <= message.at() && message.at() <= at;
        let (since, at) = (row.peek("since"), row.peek("at"));
        let (Some(since), Some(at), Some(id)) = (since, at, row.peek("id")) else {
            continue;
        };
        if quoted(since, at) {
            rows += u64::from(
                store
                    .delete::<Trace>(&keys::trace(tenant, conversation, id))
                    .await?,
            );
        }
    }
    rows += u64::from(
        store
            .delete(&keys::message(tenant, conversation, message))
            .await?,
    );
    Ok((rows, files))
}
