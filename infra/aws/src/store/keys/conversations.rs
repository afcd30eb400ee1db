//! Conversations, their messages and traces.

use usher_shared::Timestamp;
use usher_shared::ids::{AttachmentId, ContactId, ConversationId, MessageId, TenantId, TraceId};
use usher_shared::records::{
    AlertState, Attachment, CallRecording, Conversation, ConversationAge, Message, Trace,
};
use usher_shared::untrusted::KeyedHash;

use super::{END, Key, Listing, Range, Table, all, all_listed, by_time, time_digits};

/// The head of a conversation sorts right after its messages, so that one backward Query brings the head
/// and the newest messages.
pub(in crate::store) const HEAD: &str = "m~";
/// What sort keys of attachments begin with; the filter of the table's stream says the same.
const ATTACHMENTS: &str = "a#";

/// The head of a conversation.
pub fn conversation(tenant: TenantId, conversation: ConversationId) -> Key<Conversation> {
    Key::inbox(conversation_partition(tenant, conversation), HEAD.to_owned())
}

/// Place of a conversation in the inbox.
pub fn conversation_listing(
    tenant: TenantId,
    conversation: ConversationId,
    last_activity: Timestamp,
) -> Listing {
    Listing {
        pk: format!("{tenant}#inbox"),
        sk: by_time(last_activity, &conversation.to_string()),
    }
}

/// All conversations, by last activity.
pub fn conversations(tenant: TenantId) -> Range {
    all_listed(format!("{tenant}#inbox"))
}

/// The note of a conversation's age, in the conversation's partition.
pub fn conversation_age(tenant: TenantId, conversation: ConversationId) -> Key<ConversationAge> {
    Key::inbox(conversation_partition(tenant, conversation), "x#age".to_owned())
}

/// How far the alerts of a conversation that waits have come, in the conversation's partition.
pub fn alert_state(tenant: TenantId, conversation: ConversationId) -> Key<AlertState> {
    Key::inbox(conversation_partition(tenant, conversation), "x#alert".to_owned())
}

/// Place of a conversation among those with something old.
pub fn age_listing(tenant: TenantId, conversation: ConversationId, oldest: Timestamp) -> Listing {
    Listing {
        pk: format!("{tenant}#ages"),
        sk: by_time(oldest, &conversation.to_string()),
    }
}

/// Conversations with something of `until` or before, oldest first.
pub fn ages(tenant: TenantId, until: Timestamp) -> Range {
    Range {
        to: by_time(until, END),
        ..all_listed(format!("{tenant}#ages"))
    }
}

/// Place of a conversation whose oldest things are past the shortest period and are kept nevertheless: when that ends
/// under a version of the policy.
pub fn deferred_listing(
    tenant: TenantId,
    conversation: ConversationId,
    version: u64,
    due: Timestamp,
) -> Listing {
    Listing {
        pk: format!("{tenant}#deferred"),
        sk: format!("{version:020}#{}", by_time(due, &conversation.to_string())),
    }
}

/// Conversations that were put off under a version until `until` or before.
pub fn deferred_until(tenant: TenantId, version: u64, until: Timestamp) -> Range {
    Range {
        from: format!("{version:020}"),
        to: format!("{version:020}#{}", by_time(until, END)),
        ..all_listed(format!("{tenant}#deferred"))
    }
}

/// Conversations that were put off under an earlier version than this.
pub fn deferred_before(tenant: TenantId, version: u64) -> Range {
    Range {
        to: format!("{version:020}"),
        ..all_listed(format!("{tenant}#deferred"))
    }
}

/// Messages of a conversation of `until` or before.
pub fn messages_until(tenant: TenantId, conversation: ConversationId, until: Timestamp) -> Range {
    let last = MessageId::derived(until, [0xff; 10]);
    Range {
        to: format!("m#{}", last.body()),
        ..messages(tenant, conversation, None)
    }
}

/// Conversations whose last activity is at `since` or later and before `until`.
pub fn conversations_between(tenant: TenantId, since: Option<Timestamp>, until: Option<Timestamp>) -> Range {
    let all = conversations(tenant);
    Range {
        from: since.map_or(all.from, time_digits),
        // Shorter than every key of that very millisecond, so it sorts before them.
        to: until.map_or(all.to, time_digits),
        ..all
    }
}

/// A message.
pub fn message(tenant: TenantId, conversation: ConversationId, message: MessageId) -> Key<Message> {
    Key::inbox(
        conversation_partition(tenant, conversation),
        format!("m#{}", message.body()),
    )
}

/// All messages of a conversation after `after`, oldest first, without the head.
pub fn messages(tenant: TenantId, conversation: ConversationId, after: Option<MessageId>) -> Range {
    Range {
        table: Table::Inbox,
        listing: false,
        pk: conversation_partition(tenant, conversation),
        // '.' sorts before every character of an id's body: it excludes `after` itself and nothing else.
        from: after.map_or_else(|| "m#".to_owned(), |id| format!("m#{}.", id.body())),
        to: format!("m#{END}"),
    }
}

/// Messages of a conversation at `since` or later and before `until`, oldest first, without the head.
pub fn messages_between(
    tenant: TenantId,
    conversation: ConversationId,
    since: Timestamp,
    until: Option<Timestamp>,
) -> Range {
    let bound = |at: Timestamp| format!("m#{}", MessageId::derived(at, [0; 10]).body());
    let all = messages(tenant, conversation, None);
    Range {
        from: bound(since),
        to: until.map_or(all.to, bound),
        ..all
    }
}

/// The head and all messages of a conversation: read backwards it starts with the head.
pub fn head_and_messages(tenant: TenantId, conversation: ConversationId) -> Range {
    Range {
        to: HEAD.to_owned(),
        ..messages(tenant, conversation, None)
    }
}

/// A trace.
pub fn trace(tenant: TenantId, conversation: ConversationId, trace: TraceId) -> Key<Trace> {
    Key::inbox(
        conversation_partition(tenant, conversation),
        format!("t#{}", trace.body()),
    )
}

/// All traces of a conversation.
pub fn traces(tenant: TenantId, conversation: ConversationId) -> Range {
    Range {
        table: Table::Inbox,
        listing: false,
        pk: conversation_partition(tenant, conversation),
        from: "t#".to_owned(),
        to: format!("t#{END}"),
    }
}

/// Traces of messages of a conversation at `since` or later and before `until`.
pub fn traces_between(
    tenant: TenantId,
    conversation: ConversationId,
    since: Timestamp,
    until: Timestamp,
) -> Range {
    let bound = |at: Timestamp| format!("t#{}", TraceId::derived(at, [0; 10]).body());
    Range {
        from: bound(since),
        to: bound(until),
        ..traces(tenant, conversation)
    }
}

/// An attachment, in the conversation's partition. Listed as its file is, so that both lists can be laid side by side.
pub fn attachment(
    tenant: TenantId,
    conversation: ConversationId,
    message: MessageId,
    attachment: AttachmentId,
) -> Key<Attachment> {
    let sk = format!("{ATTACHMENTS}{}#{}", message.body(), attachment.body());
    let listing = Listing {
        pk: format!("{tenant}#files"),
        sk: format!("{conversation}/{message}/{attachment}"),
    };
    Key::inbox(conversation_partition(tenant, conversation), sk).listed(listing)
}

/// What came with one message.
pub fn attachments_of(tenant: TenantId, conversation: ConversationId, message: MessageId) -> Range {
    Range {
        from: format!("{ATTACHMENTS}{}#", message.body()),
        to: format!("{ATTACHMENTS}{}#{END}", message.body()),
        ..messages(tenant, conversation, None)
    }
}

/// What came with any message of a conversation.
pub fn attachments(tenant: TenantId, conversation: ConversationId) -> Range {
    Range {
        from: ATTACHMENTS.to_owned(),
        to: format!("{ATTACHMENTS}{END}"),
        ..messages(tenant, conversation, None)
    }
}

/// What came with messages of `until` or before.
pub fn attachments_until(tenant: TenantId, conversation: ConversationId, until: Timestamp) -> Range {
    let last = MessageId::derived(until, [0xff; 10]);
    Range {
        to: format!("{ATTACHMENTS}{}#{END}", last.body()),
        ..attachments(tenant, conversation)
    }
}

/// All attachments of a tenant, in the order of their files.
pub fn files(tenant: TenantId) -> Range {
    all_listed(format!("{tenant}#files"))
}

/// The attachment whose sort key this is, with its message.
pub fn parse_attachment_sort_key(sk: &str) -> Option<(MessageId, AttachmentId)> {
    let (message, attachment) = sk.strip_prefix(ATTACHMENTS)?.split_once('#')?;
    let message = MessageId::from_body(message).ok()?;
    Some((message, AttachmentId::from_body(attachment).ok()?))
}

/// The recording of a call, by the hash of its carrier's id.
pub fn call_recording(
    tenant: TenantId,
    contact: ContactId,
    conversation: ConversationId,
    recording: KeyedHash,
) -> Key<CallRecording> {
    Key::inbox(
        format!("{tenant}#recordings"),
        format!("{contact}#{conversation}#{recording}"),
    )
}

/// Place of a recording among all of them, by age.
pub fn call_recording_listing(row: &Key<CallRecording>, tenant: TenantId, at: Timestamp) -> Listing {
    Listing {
        pk: format!("{tenant}#recordings"),
        sk: by_time(at, &row.sk),
    }
}

/// The recordings of a contact's calls, or of one conversation with the contact.
pub fn call_recordings_of(
    tenant: TenantId,
    contact: ContactId,
    conversation: Option<ConversationId>,
) -> Range {
    let prefix = conversation.map_or_else(
        || format!("{contact}#"),
        |conversation| format!("{contact}#{conversation}#"),
    );
    Range {
        to: format!("{prefix}{END}"),
        from: prefix,
        ..all(format!("{tenant}#recordings"))
    }
}

/// Recordings of `until` or before, oldest first.
pub fn call_recordings_until(tenant: TenantId, until: Timestamp) -> Range {
    Range {
        to: by_time(until, END),
        ..all_listed(format!("{tenant}#recordings"))
    }
}

/// What came with a conversation's messages, and the messages.
pub fn attachments_and_messages(tenant: TenantId, conversation: ConversationId) -> Range {
    Range {
        from: ATTACHMENTS.to_owned(),
        ..messages(tenant, conversation, None)
    }
}

/// What came with a conversation's messages, the messages, its head, and the traces.
pub fn attachments_to_traces(tenant: TenantId, conversation: ConversationId) -> Range {
    Range {
        from: ATTACHMENTS.to_owned(),
        ..traces(tenant, conversation)
    }
}

/// Everything in a conversation's partition: head, messages, traces, attachments.
pub fn conversation_rows(tenant: TenantId, conversation: ConversationId) -> Range {
    all(conversation_partition(tenant, conversation))
}

fn conversation_partition(tenant: TenantId, conversation: ConversationId) -> String {
    format!("{tenant}#v#{conversation}")
}

/// The conversation whose partition this is, with its tenant: the reverse of the keys above, for streams.
pub fn parse_conversation_partition(pk: &str) -> Option<(TenantId, ConversationId)> {
    let mut parts = pk.split('#');
    let tenant = parts.next()?.parse().ok()?;
    let conversation = (parts.next()? == "v").then(|| parts.next())??.parse().ok()?;
    parts.next().is_none().then_some((tenant, conversation))
}

/// The message whose sort key this is.
pub fn parse_message_sort_key(sk: &str) -> Option<MessageId> {
    MessageId::from_body(sk.strip_prefix("m#")?).ok()
}
