//! Which queue a stream record goes to. Reads keys and open fields alone: content is sealed.

use std::time::Duration;

use serde_json::Value;
use usher_aws::queue::Outgoing;
use usher_aws::store::keys::{
    parse_attachment_sort_key, parse_conversation_partition, parse_erasure_partition, parse_export,
    parse_hold_partition, parse_message_sort_key, parse_privacy_request,
};
use usher_shared::Timestamp;
use usher_shared::attachment::AttachmentTask;
use usher_shared::ids::{
    AttachmentId, ChannelId, ConversationId, ErasureId, ExportId, MessageId, PrivacyRequestId, TenantId,
};
use usher_shared::model::ErasureLook;
use usher_shared::privacy::RequestState;
use usher_shared::records::{
    AlertJob, AttachmentJob, DeliverJob, EraseJob, ExportJob, PrivacyJob, ReplyJob, StreamLetter, TellJob,
};
use usher_shared::untrusted::Label;

/// What was asked on a channel begins after this long.
const TAKEN_FIRST: Duration = Duration::from_mins(2);

/// Where a record goes.
#[derive(Debug)]
pub(crate) enum Routed {
    /// To the reply queue.
    Reply(Outgoing),
    /// To the deliver queue.
    Deliver(Outgoing),
    /// To the erasure queue.
    Erase(Outgoing),
    /// To the queue of exports.
    Export(Outgoing),
    /// To the queue of attachments.
    Attachment(Outgoing),
    /// To the queue of alerts.
    Alert(Outgoing),
    /// Nobody waits for it.
    Nowhere,
}

/// Routes a record. One that claims to be a message and cannot be read is an error, with its keys where
/// there are any.
pub(crate) fn route(record: &Value, now: Timestamp) -> Result<Routed, Option<StreamLetter>> {
    let image = |field: &str| {
        record
            .pointer(&format!("/dynamodb/NewImage/{field}/S"))
            .and_then(Value::as_str)
    };
    let event = record.get("eventName").and_then(Value::as_str);
    let key = |name: &str| {
        record
            .pointer(&format!("/dynamodb/Keys/{name}/S"))
            .and_then(Value::as_str)
    };
    let (pk, sk) = (key("pk").unwrap_or_default(), key("sk").unwrap_or_default());
    let letter = || {
        Some(StreamLetter {
            at: now.into(),
            pk: label(pk)?.into(),
            sk: label(sk)?.into(),
        })
    };
    if event == Some("REMOVE") {
        // Of a row that is gone the keys alone are told.
        let gone = parse_attachment_sort_key(sk).zip(parse_conversation_partition(pk));
        return match gone {
            None => Ok(Routed::Nowhere),
            Some(((message, attachment), (tenant, conversation))) => {
                let task = AttachmentTask::Remove;
                attachment_job(tenant, conversation, message, attachment, task, now)
                    .map(Routed::Attachment)
                    .ok_or_else(letter)
            }
        };
    }
    if image("k") == Some("conversation") {
        // A head that waits for a person: with each of its moves it is looked at whether they were told.
        if image("state") != Some("waiting_for_human") {
            return Ok(Routed::Nowhere);
        }
        let since = record.pointer("/dynamodb/NewImage/waiting_since/N");
        let since = since
            .and_then(Value::as_str)
            .and_then(|millis| millis.parse().ok());
        // Heads from before there were alerts do not say since when they wait.
        let Some(since) = since.map(Timestamp::from_millis) else {
            return Ok(Routed::Nowhere);
        };
        let (tenant, conversation) = parse_conversation_partition(pk).ok_or_else(letter)?;
        return alert_job(tenant, conversation, since, now)
            .map(Routed::Alert)
            .ok_or_else(letter);
    }
    if let Some(kind @ ("privacy_request" | "hold")) = image("k") {
        return privacy_of(record, kind, (pk, sk), now).ok_or_else(letter);
    }
    let known = ["message", "erasure", "export", "attachment"];
    let kind = image("k").filter(|kind| known.contains(kind));
    let Some(kind) = kind.filter(|_| event == Some("INSERT")) else {
        return Ok(Routed::Nowhere);
    };
    if kind == "attachment" {
        let at_hand = record.pointer("/dynamodb/NewImage/at_hand/BOOL") == Some(&Value::Bool(true));
        if image("state") != Some("pending") || at_hand {
            return Ok(Routed::Nowhere);
        }
        let place = parse_conversation_partition(pk).zip(parse_attachment_sort_key(sk));
        let ((tenant, conversation), (message, attachment)) = place.ok_or_else(letter)?;
        let task = AttachmentTask::Fetch;
        return attachment_job(tenant, conversation, message, attachment, task, now)
            .map(Routed::Attachment)
            .ok_or_else(letter);
    }
    if kind == "erasure" {
        let place = parse_erasure_partition(pk).zip(sk.parse().ok());
        let (tenant, erasure) = place.ok_or_else(letter)?;
        return erase_job(tenant, erasure, now)
            .map(Routed::Erase)
            .ok_or_else(letter);
    }
    if kind == "export" {
        if image("state") != Some("pending") {
            return Ok(Routed::Nowhere);
        }
        let (tenant, export) = parse_export(pk, sk).ok_or_else(letter)?;
        return export_job(tenant, export, now)
            .map(Routed::Export)
            .ok_or_else(letter);
    }
    let place = parse_conversation_partition(pk).zip(parse_message_sort_key(sk));
    let ((tenant, conversation), message) = place.ok_or_else(letter)?;
    let job = match (image("direction"), image("state")) {
        (Some("inbound"), _) => reply_job(tenant, conversation, message, now, "").map(Routed::Reply),
        (Some("outbound"), Some("queued")) => {
            let channel = image("channel").and_then(|id| id.parse().ok());
            deliver_job(tenant, conversation, message, channel, now, "").map(Routed::Deliver)
        }
        (Some("outbound"), Some(_)) => return Ok(Routed::Nowhere),
        _ => None,
    };
    job.ok_or_else(letter)
}

/// What a request starts: its work, once it is confirmed; then whoever asked is told how it ended. Or a hold that was
/// released: what it kept from being erased goes on.
fn privacy_of(record: &Value, kind: &str, (pk, sk): (&str, &str), now: Timestamp) -> Option<Routed> {
    let image = |field: &str| record.pointer(&format!("/dynamodb/NewImage/{field}"));
    let text = |field: &str| image(field).and_then(Value::as_str);
    if kind == "hold" {
        if image("released_at/N").is_none() {
            return Some(Routed::Nowhere);
        }
        return privacy_job(parse_hold_partition(pk)?, None, now).map(Routed::Erase);
    }
    let (tenant, request) = parse_privacy_request(pk, sk)?;
    // Written as confirmed, or confirmed since: either way it is to be begun.
    if text("state/S") == Some("pending") {
        let begins = privacy_job(tenant, Some(request), now)?;
        // Whoever asked on a channel is told there that it was taken, while there still is a conversation to tell it in.
        return Some(Routed::Erase(match text("source/S") {
            Some("channel") => begins.after(TAKEN_FIRST),
            _ => begins,
        }));
    }
    // Once: what says that they were told is written here as well.
    if image("told_at").is_some() || !text("state/S").is_some_and(is_over) {
        return Some(Routed::Nowhere);
    }
    tell_job(tenant, request, now, "").map(Routed::Deliver)
}

fn label(text: &str) -> Option<Label> {
    text.parse().ok()
}

/// A job of the reply queue. `again` keeps a repetition from being dropped as a duplicate.
pub(crate) fn reply_job(
    tenant: TenantId,
    conversation: ConversationId,
    message: MessageId,
    at: Timestamp,
    again: &str,
) -> Option<Outgoing> {
    let job = ReplyJob {
        at: at.into(),
        tenant: tenant.into(),
        conversation: conversation.into(),
        message: message.into(),
    };
    Outgoing::fifo(&job, &conversation, &format!("{message}{again}")).ok()
}

/// A job of the deliver queue.
pub(crate) fn deliver_job(
    tenant: TenantId,
    conversation: ConversationId,
    message: MessageId,
    channel: Option<ChannelId>,
    at: Timestamp,
    again: &str,
) -> Option<Outgoing> {
    let job = DeliverJob {
        channel: channel.into(),
        at: at.into(),
        tenant: tenant.into(),
        conversation: conversation.into(),
        message: message.into(),
    };
    Outgoing::fifo(&job, &conversation, &format!("{message}{again}")).ok()
}

/// Whether a request of privacy in this state is over.
fn is_over(state: &str) -> bool {
    let all = RequestState::ALL.into_iter();
    all.filter(|state| state.is_over())
        .any(|over| over.name() == state)
}

/// A job of the deliver queue: somebody is told how their request ended.
pub(crate) fn tell_job(
    tenant: TenantId,
    request: PrivacyRequestId,
    at: Timestamp,
    again: &str,
) -> Option<Outgoing> {
    let job = TellJob {
        at: at.into(),
        tenant: tenant.into(),
        request: request.into(),
    };
    Outgoing::fifo(&job, &request, &format!("{request}{again}")).ok()
}

/// A job of the erasure queue: the first look.
pub(crate) fn erase_job(tenant: TenantId, erasure: ErasureId, at: Timestamp) -> Option<Outgoing> {
    let job = EraseJob {
        at: at.into(),
        tenant: tenant.into(),
        erasure: erasure.into(),
        look: ErasureLook::First.into(),
    };
    Outgoing::standard(&job).ok()
}

/// A job of the erasure queue: go on with a request of privacy, or with all that wait.
pub(crate) fn privacy_job(
    tenant: TenantId,
    request: Option<PrivacyRequestId>,
    at: Timestamp,
) -> Option<Outgoing> {
    let job = PrivacyJob {
        at: at.into(),
        tenant: tenant.into(),
        request: request.into(),
        look: ErasureLook::First.into(),
    };
    Outgoing::standard(&job).ok()
}

/// A job of the queue of attachments.
pub(crate) fn attachment_job(
    tenant: TenantId,
    conversation: ConversationId,
    message: MessageId,
    attachment: AttachmentId,
    task: AttachmentTask,
    at: Timestamp,
) -> Option<Outgoing> {
    let job = AttachmentJob {
        at: at.into(),
        tenant: tenant.into(),
        conversation: conversation.into(),
        message: message.into(),
        attachment: attachment.into(),
        task: task.into(),
        copy: None.into(),
    };
    Outgoing::standard(&job).ok()
}

/// A job of the queue of alerts: the first look at a wait.
pub(crate) fn alert_job(
    tenant: TenantId,
    conversation: ConversationId,
    since: Timestamp,
    at: Timestamp,
) -> Option<Outgoing> {
    let job = AlertJob {
        at: at.into(),
        tenant: tenant.into(),
        conversation: conversation.into(),
        since: since.into(),
        look: 1.into(),
    };
    Outgoing::standard(&job).ok()
}

/// A job of the queue of exports.
pub(crate) fn export_job(tenant: TenantId, export: ExportId, at: Timestamp) -> Option<Outgoing> {
    let job = ExportJob {
        at: at.into(),
        tenant: tenant.into(),
        export: export.into(),
    };
    Outgoing::standard(&job).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn record(event: &str, direction: &str, state: &str) -> Value {
        let tenant = TenantId::derived(NOW, [1; 10]);
        let conversation = ConversationId::derived(NOW, [2; 10]);
        let message = MessageId::derived(NOW, [3; 10]);
        let keys = json!({
            "pk": {"S": format!("{tenant}#v#{conversation}")},
            "sk": {"S": format!("m#{}", message.body())},
        });
        let mut image = keys.clone();
        image["k"] = json!({"S": "message"});
        image["direction"] = json!({"S": direction});
        image["state"] = json!({"S": state});
        json!({"eventName": event, "eventSource": "aws:dynamodb", "dynamodb": {"Keys": keys, "NewImage": image}})
    }

    #[test]
    fn new_messages_go_where_their_direction_says_and_the_rest_nowhere() {
        let routed = |event, direction, state| route(&record(event, direction, state), NOW).unwrap();
        assert!(matches!(
            routed("INSERT", "inbound", "received"),
            Routed::Reply(_)
        ));
        assert!(matches!(
            routed("INSERT", "outbound", "queued"),
            Routed::Deliver(_)
        ));
        assert!(matches!(routed("INSERT", "outbound", "sent"), Routed::Nowhere));
        assert!(matches!(routed("MODIFY", "outbound", "queued"), Routed::Nowhere));
        assert!(matches!(routed("REMOVE", "inbound", "received"), Routed::Nowhere));
        let mut other = record("INSERT", "inbound", "received");
        other["dynamodb"]["NewImage"]["k"] = json!({"S": "trace"});
        assert!(matches!(route(&other, NOW), Ok(Routed::Nowhere)));
    }

    #[test]
    fn an_erasure_goes_to_its_queue() {
        let (tenant, erasure) = (TenantId::derived(NOW, [1; 10]), ErasureId::derived(NOW, [4; 10]));
        let mut record = record("INSERT", "", "requested");
        let keys = json!({"pk": {"S": format!("{tenant}#erasures")}, "sk": {"S": erasure.to_string()}});
        record["dynamodb"]["Keys"] = keys;
        record["dynamodb"]["NewImage"]["k"] = json!({"S": "erasure"});
        assert!(matches!(route(&record, NOW), Ok(Routed::Erase(_))));
        record["dynamodb"]["Keys"]["sk"] = json!({"S": "era_broken"});
        assert!(route(&record, NOW).unwrap_err().is_some(), "kept as a letter");
    }

    #[test]
    fn a_new_export_goes_to_its_queue_and_a_changed_one_nowhere() {
        let tenant = TenantId::derived(NOW, [1; 10]);
        let keys = json!({
            "pk": {"S": format!("{tenant}#exports")},
            "sk": {"S": ExportId::derived(NOW, [4; 10]).to_string()},
        });
        let record = |event: &str, state: &str| {
            let mut image = keys.clone();
            image["k"] = json!({"S": "export"});
            image["state"] = json!({"S": state});
            json!({"eventName": event, "dynamodb": {"Keys": keys, "NewImage": image}})
        };
        assert!(matches!(
            route(&record("INSERT", "pending"), NOW),
            Ok(Routed::Export(_))
        ));
        assert!(matches!(
            route(&record("MODIFY", "pending"), NOW),
            Ok(Routed::Nowhere)
        ));
        assert!(matches!(
            route(&record("INSERT", "complete"), NOW),
            Ok(Routed::Nowhere)
        ));
        let mut broken = record("INSERT", "pending");
        broken["dynamodb"]["Keys"]["sk"] = json!({"S": "exp_broken"});
        assert!(route(&broken, NOW).unwrap_err().is_some());
    }

    #[test]
    fn an_attachment_is_fetched_unless_it_is_at_hand_and_its_file_goes_with_its_row() {
        let tenant = TenantId::derived(NOW, [1; 10]);
        let conversation = ConversationId::derived(NOW, [2; 10]);
        let message = MessageId::derived(NOW, [3; 10]);
        let attachment = AttachmentId::derived(NOW, [4; 10]);
        let keys = json!({
            "pk": {"S": format!("{tenant}#v#{conversation}")},
            "sk": {"S": format!("a#{}#{}", message.body(), attachment.body())},
        });
        let record = |event: &str, state: &str, at_hand: bool| {
            let mut image = keys.clone();
            image["k"] = json!({"S": "attachment"});
            image["state"] = json!({"S": state});
            if at_hand {
                image["at_hand"] = json!({"BOOL": true});
            }
            json!({"eventName": event, "dynamodb": {"Keys": keys, "NewImage": image}})
        };
        let routed = |event, state, at_hand| route(&record(event, state, at_hand), NOW).unwrap();
        assert!(matches!(
            routed("INSERT", "pending", false),
            Routed::Attachment(_)
        ));
        assert!(matches!(routed("INSERT", "pending", true), Routed::Nowhere));
        assert!(matches!(routed("INSERT", "refused", false), Routed::Nowhere));
        assert!(matches!(routed("MODIFY", "pending", false), Routed::Nowhere));
        assert!(matches!(routed("REMOVE", "stored", false), Routed::Attachment(_)));
        let mut broken = record("INSERT", "pending", false);
        broken["dynamodb"]["Keys"]["sk"] = json!({"S": "a#broken"});
        assert!(route(&broken, NOW).unwrap_err().is_some());
    }

    #[test]
    fn a_conversation_that_waits_is_an_alert_and_any_other_nothing() {
        let record = |state: &str, since: Option<&str>| {
            let mut record = record("MODIFY", "", state);
            record["dynamodb"]["Keys"]["sk"] = json!({"S": "m~"});
            record["dynamodb"]["NewImage"]["k"] = json!({"S": "conversation"});
            if let Some(since) = since {
                record["dynamodb"]["NewImage"]["waiting_since"] = json!({"N": since});
            }
            record
        };
        let routed = |state, since| route(&record(state, since), NOW).unwrap();
        let since = Some("1790000000000");
        assert!(matches!(routed("waiting_for_human", since), Routed::Alert(_)));
        assert!(matches!(routed("waiting_for_human", None), Routed::Nowhere));
        assert!(matches!(routed("human", since), Routed::Nowhere));
        let mut broken = record("waiting_for_human", since);
        broken["dynamodb"]["Keys"]["pk"] = json!({"S": "broken"});
        assert!(route(&broken, NOW).unwrap_err().is_some());
    }

    #[test]
    fn a_message_that_cannot_be_read_is_a_letter_with_its_keys() {
        let mut broken = record("INSERT", "inbound", "received");
        broken["dynamodb"]["Keys"]["sk"] = json!({"S": "m#broken"});
        let letter = route(&broken, NOW).unwrap_err().unwrap();
        assert_eq!(letter.sk.as_str(), "m#broken");
        let mut sideways = record("INSERT", "sideways", "received");
        assert!(route(&sideways, NOW).unwrap_err().is_some());
        sideways["dynamodb"]["Keys"] = json!({});
        assert!(route(&sideways, NOW).unwrap_err().is_none());
    }

    #[test]
    fn requests_begin_when_they_are_pending_and_holds_let_go_when_they_are_released() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let tenant = TenantId::derived(now, [1; 10]);
        let request = PrivacyRequestId::derived(now, [2; 10]);
        let routed = |kind: &str, sk: &str, partition: &str, image: Value| {
            let mut fields = json!({"k": {"S": kind}});
            let (to, from) = (
                fields.as_object_mut().unwrap(),
                image.as_object().unwrap().clone(),
            );
            to.extend(from);
            let record = json!({"eventName": "MODIFY", "dynamodb": {
                "Keys": {"pk": {"S": format!("{tenant}#{partition}")}, "sk": {"S": sk}}, "NewImage": fields
            }});
            route(&record, now)
        };
        let request_in = |state: &str| {
            let image = json!({"state": {"S": state}});
            routed("privacy_request", &request.to_string(), "privacy-requests", image)
        };
        assert!(matches!(request_in("pending"), Ok(Routed::Erase(_))));
        for state in ["identity_unverified", "in_processing", "deferred"] {
            assert!(matches!(request_in(state), Ok(Routed::Nowhere)), "{state}");
        }
        // Over: whoever asked is told, once.
        assert!(matches!(request_in("complete"), Ok(Routed::Deliver(_))));
        let told = json!({"state": {"S": "complete"}, "told_at": {"N": "1790000000000"}});
        let told = routed("privacy_request", &request.to_string(), "privacy-requests", told);
        assert!(matches!(told, Ok(Routed::Nowhere)));
        let held = routed("hold", "hold_x", "holds", json!({}));
        assert!(matches!(held, Ok(Routed::Nowhere)));
        let released = routed(
            "hold",
            "hold_x",
            "holds",
            json!({"released_at": {"N": "1790000000000"}}),
        );
        assert!(matches!(released, Ok(Routed::Erase(_))));
        let elsewhere = routed("hold", "hold_x", "somewhere", json!({"released_at": {"N": "1"}}));
        assert!(elsewhere.unwrap_err().is_some(), "a letter with its keys");
    }
}
