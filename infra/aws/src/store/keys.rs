//! Every primary key of every table, in one module. All of a tenant's keys start with the tenant's id, so
//! that a role limited by `dynamodb:LeadingKeys` holds one tenant's rows alone. No key holds personal data.

use std::marker::PhantomData;

use usher_shared::Timestamp;
use usher_shared::ids::{
    ApiKeyId, ChannelId, ContactId, ConversationId, DocumentId, ErasureId, ExportId, HoldId, LeadId,
    MessageId, TenantId, TraceId,
};
use usher_shared::records::{
    ApiKey, AuditEvent, Channel, ChannelAddress, Contact, ContactWatermark, Conversation, ConversationAge,
    DataExport, Document, DownloadLink, Erasing, ExportProgress, ExportSlot, Hold, IdempotentOutcome,
    InboundMarker, Lead, LeadIdentifier, Message, OpenErasure, RateBucket, ServingMark, SweepPlace, Tenant,
    TenantEntry, Trace, WrappedKey,
};
use usher_shared::untrusted::KeyedHash;

/// The tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Conversations, messages, contacts, leads, traces, settings, documents; and the directory.
    Inbox,
    /// What is kept as proof.
    Ledger,
    /// Wrapped data keys.
    Keys,
}

/// A typed primary key: the row it names holds an `R` or nothing.
#[derive(Debug)]
pub struct Key<R> {
    /// The table.
    pub table: Table,
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
    /// Keys of the row in the `listing` index, if it is listed.
    pub listing: Option<Listing>,
    record: PhantomData<fn() -> R>,
}

impl<R> Clone for Key<R> {
    fn clone(&self) -> Self {
        Self {
            table: self.table,
            pk: self.pk.clone(),
            sk: self.sk.clone(),
            listing: self.listing.clone(),
            record: PhantomData,
        }
    }
}

/// Keys of a row in the `listing` index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Partition key in the index: the tenant and what is listed.
    pub pk: String,
    /// Sort key in the index: the order.
    pub sk: String,
}

impl<R> Key<R> {
    fn inbox(pk: String, sk: String) -> Self {
        Self {
            table: Table::Inbox,
            pk,
            sk,
            listing: None,
            record: PhantomData,
        }
    }

    fn ledger(pk: String, sk: String) -> Self {
        Self {
            table: Table::Ledger,
            ..Self::inbox(pk, sk)
        }
    }

    /// The same key of a row that is listed.
    #[must_use]
    pub fn listed(mut self, listing: Listing) -> Self {
        self.listing = Some(listing);
        self
    }
}

/// A run of sort keys in one partition, both ends included.
#[derive(Clone, Debug)]
pub struct Range {
    /// The table.
    pub table: Table,
    /// Whether partition and order are those of the `listing` index.
    pub listing: bool,
    /// Partition key.
    pub pk: String,
    /// Lowest sort key.
    pub from: String,
    /// Highest sort key.
    pub to: String,
}

/// Sorts after every character that keys are made of.
const END: &str = "~";
/// The head of a conversation sorts right after its messages, so that one backward Query brings the head
/// and the newest messages.
const HEAD: &str = "m~";

/// Partition of the list of tenants, in the directory: no tenant's role reaches it.
const TENANTS: &str = "dir#tenants";

/// The tenant's own row.
pub fn tenant(tenant: TenantId) -> Key<Tenant> {
    Key::inbox(tenant.to_string(), "tenant".to_owned())
}

/// A channel.
pub fn channel(tenant: TenantId, channel: ChannelId) -> Key<Channel> {
    Key::inbox(format!("{tenant}#channels"), channel.to_string())
}

/// All channels.
pub fn channels(tenant: TenantId) -> Range {
    all(format!("{tenant}#channels"))
}

/// A document.
pub fn document(tenant: TenantId, document: DocumentId) -> Key<Document> {
    Key::inbox(format!("{tenant}#documents"), document.to_string())
}

/// All documents.
pub fn documents(tenant: TenantId) -> Range {
    all(format!("{tenant}#documents"))
}

/// A contact, by the hash of its address.
pub fn contact(tenant: TenantId, address: KeyedHash) -> Key<Contact> {
    Key::inbox(format!("{tenant}#c#{address}"), "contact".to_owned())
}

/// The row of a contact that was erased: the contact's own.
pub fn contact_watermark(tenant: TenantId, address: KeyedHash) -> Key<ContactWatermark> {
    let row = contact(tenant, address);
    Key::inbox(row.pk, row.sk)
}

/// The marker of an event of a contact.
pub fn marker(tenant: TenantId, address: KeyedHash, event: KeyedHash) -> Key<InboundMarker> {
    Key::inbox(format!("{tenant}#c#{address}"), format!("e#{event}"))
}

/// A lead, listed by its last activity.
pub fn lead(tenant: TenantId, lead: LeadId) -> Key<Lead> {
    Key::inbox(format!("{tenant}#l#{lead}"), "lead".to_owned())
}

/// Place of a lead in the list of leads.
pub fn lead_listing(tenant: TenantId, lead: LeadId, last_activity: Timestamp) -> Listing {
    Listing {
        pk: format!("{tenant}#leads"),
        sk: by_time(last_activity, &lead.to_string()),
    }
}

/// All leads, by last activity.
pub fn leads(tenant: TenantId) -> Range {
    all_listed(format!("{tenant}#leads"))
}

/// What finds a lead by one of its contacts' identifiers. Two contacts may share an identifier.
pub fn lead_identifier(tenant: TenantId, identifier: KeyedHash, contact: ContactId) -> Key<LeadIdentifier> {
    Key::inbox(identifier_partition(tenant, identifier), contact.to_string())
}

/// Place of an identifier in the list of its contact's.
pub fn lead_identifier_listing(tenant: TenantId, identifier: KeyedHash, contact: ContactId) -> Listing {
    Listing {
        pk: format!("{tenant}#identifiers#{contact}"),
        sk: identifier.to_string(),
    }
}

/// All contacts with one identifier.
pub fn contacts_with(tenant: TenantId, identifier: KeyedHash) -> Range {
    all(identifier_partition(tenant, identifier))
}

/// All identifiers of one contact, for whoever has no key to read its profile.
pub fn identifiers_of(tenant: TenantId, contact: ContactId) -> Range {
    all_listed(format!("{tenant}#identifiers#{contact}"))
}

fn identifier_partition(tenant: TenantId, identifier: KeyedHash) -> String {
    format!("{tenant}#x#{identifier}")
}

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

/// Leads whose last activity was at `until` or before.
pub fn leads_until(tenant: TenantId, until: Timestamp) -> Range {
    Range {
        to: by_time(until, END),
        ..leads(tenant)
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

/// Outcome of an idempotent request.
pub fn idempotent_outcome(tenant: TenantId, request: KeyedHash) -> Key<IdempotentOutcome> {
    Key::inbox(format!("{tenant}#i#{request}"), "outcome".to_owned())
}

/// A bucket of tokens, by the hash of who asks.
pub fn rate_bucket(tenant: TenantId, sender: KeyedHash) -> Key<RateBucket> {
    Key::inbox(format!("{tenant}#r#{sender}"), "bucket".to_owned())
}

/// An audit event of a tenant; `target` keeps two events of one millisecond apart.
pub fn audit_event(tenant: TenantId, at: Timestamp, target: &str) -> Key<AuditEvent> {
    Key {
        table: Table::Ledger,
        pk: format!("{tenant}#audit"),
        sk: by_time(at, target),
        listing: None,
        record: PhantomData,
    }
}

/// An erasure.
pub fn erasure(tenant: TenantId, erasure: ErasureId) -> Key<Erasing> {
    Key {
        table: Table::Ledger,
        pk: format!("{tenant}#erasures"),
        sk: erasure.to_string(),
        listing: None,
        record: PhantomData,
    }
}

/// The tenant whose erasures this partition holds: the reverse of [`erasure`], for streams.
pub fn parse_erasure_partition(pk: &str) -> Option<TenantId> {
    pk.strip_suffix("#erasures")?.parse().ok()
}

/// The note of an unfinished erasure.
pub fn open_erasure(tenant: TenantId, erasure: ErasureId) -> Key<OpenErasure> {
    Key::ledger(format!("{tenant}#open-erasures"), erasure.to_string())
}

/// All unfinished erasures.
pub fn open_erasures(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#open-erasures"))
    }
}

/// A hold.
pub fn hold(tenant: TenantId, hold: HoldId) -> Key<Hold> {
    Key::ledger(format!("{tenant}#holds"), hold.to_string())
}

/// All holds, the released ones too, oldest first.
pub fn holds(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#holds"))
    }
}

/// Where the sweep stopped.
pub fn sweep_place() -> Key<SweepPlace> {
    Key::inbox("dir#sweep".to_owned(), "place".to_owned())
}

/// Everything in a conversation's partition: head, messages, traces.
pub fn conversation_rows(tenant: TenantId, conversation: ConversationId) -> Range {
    all(conversation_partition(tenant, conversation))
}

/// All keys of a contact: its own and its conversations'.
pub fn contact_keys(tenant: TenantId, contact: ContactId) -> Range {
    Range {
        table: Table::Keys,
        ..all(format!("{tenant}#{contact}"))
    }
}

/// A tenant in the list of all tenants.
pub fn tenant_entry(tenant: TenantId) -> Key<TenantEntry> {
    Key::inbox(TENANTS.to_owned(), tenant.to_string())
}

/// All tenants, oldest first.
pub fn tenant_entries() -> Range {
    all(TENANTS.to_owned())
}

/// An export.
pub fn export(tenant: TenantId, export: ExportId) -> Key<DataExport> {
    Key::ledger(format!("{tenant}#exports"), export.to_string())
}

/// All exports.
pub fn exports(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#exports"))
    }
}

/// The export whose row this is, with its tenant: for streams.
pub fn parse_export(pk: &str, sk: &str) -> Option<(TenantId, ExportId)> {
    let tenant = pk.strip_suffix("#exports")?.parse().ok()?;
    Some((tenant, sk.parse().ok()?))
}

/// How far an export's upload is.
pub fn export_progress(tenant: TenantId, export: ExportId) -> Key<ExportProgress> {
    Key::ledger(format!("{tenant}#export-progress"), export.to_string())
}

/// The place of the one export that may run.
pub fn export_slot(tenant: TenantId) -> Key<ExportSlot> {
    Key::ledger(format!("{tenant}#export-slot"), "slot".to_owned())
}

/// A download link in the directory, by the hash of its token.
pub fn download_link(token: KeyedHash) -> Key<DownloadLink> {
    Key::inbox(format!("dir#{token}"), "download".to_owned())
}

/// A channel in the directory, by the hash of its public address.
pub fn channel_address(address: KeyedHash) -> Key<ChannelAddress> {
    Key::inbox(format!("dir#{address}"), "channel".to_owned())
}

/// An API key in the directory, by the hash of its secret.
pub fn api_key(hash: KeyedHash) -> Key<ApiKey> {
    Key::inbox(format!("dir#{hash}"), "api_key".to_owned())
}

/// Place of an API key in its tenant's list of keys.
pub fn api_key_listing(tenant: TenantId, id: ApiKeyId) -> Listing {
    Listing {
        pk: format!("{tenant}#api-keys"),
        sk: id.to_string(),
    }
}

/// All API keys of a tenant, oldest first.
pub fn api_keys(tenant: TenantId) -> Range {
    all_listed(format!("{tenant}#api-keys"))
}

/// One API key of a tenant by its id, as the list has it.
pub fn api_key_by_id(tenant: TenantId, id: ApiKeyId) -> Range {
    Range {
        from: id.to_string(),
        to: id.to_string(),
        ..api_keys(tenant)
    }
}

/// The platform's directory key, wrapped by KMS.
pub fn platform_key() -> Key<WrappedKey> {
    wrapped("platform".to_owned(), "directory".to_owned())
}

/// Which tables may serve. Beside the directory's key: whoever may read that may read this.
pub fn serving_mark() -> Key<ServingMark> {
    Key {
        table: Table::Keys,
        ..Key::inbox("platform".to_owned(), "serving".to_owned())
    }
}

/// A tenant's key, wrapped by KMS.
pub fn tenant_key(tenant: TenantId) -> Key<WrappedKey> {
    wrapped(tenant.to_string(), "tenant".to_owned())
}

/// A contact's key, wrapped by its tenant's.
pub fn contact_key(tenant: TenantId, contact: ContactId) -> Key<WrappedKey> {
    wrapped(format!("{tenant}#{contact}"), "contact".to_owned())
}

/// A conversation's key, wrapped by its contact's. In the contact's partition: one Query brings both.
pub fn conversation_key(
    tenant: TenantId,
    contact: ContactId,
    conversation: ConversationId,
) -> Key<WrappedKey> {
    wrapped(format!("{tenant}#{contact}"), conversation.to_string())
}

/// A document's key, wrapped by its tenant's.
pub fn document_key(tenant: TenantId, document: DocumentId) -> Key<WrappedKey> {
    wrapped(format!("{tenant}#documents"), document.to_string())
}

/// The keys of all documents.
pub fn document_keys(tenant: TenantId) -> Range {
    Range {
        table: Table::Keys,
        ..all(format!("{tenant}#documents"))
    }
}

fn wrapped(pk: String, sk: String) -> Key<WrappedKey> {
    Key {
        table: Table::Keys,
        pk,
        sk,
        listing: None,
        record: PhantomData,
    }
}

fn conversation_partition(tenant: TenantId, conversation: ConversationId) -> String {
    format!("{tenant}#v#{conversation}")
}

fn by_time(at: Timestamp, id: &str) -> String {
    format!("{}#{id}", time_digits(at))
}

/// Milliseconds in 13 digits, which sort as the times do until the year 2286.
fn time_digits(at: Timestamp) -> String {
    format!("{:013}", at.millis().clamp(0, 9_999_999_999_999))
}

fn all(pk: String) -> Range {
    Range {
        table: Table::Inbox,
        listing: false,
        pk,
        from: " ".to_owned(),
        to: END.to_owned(),
    }
}

fn all_listed(pk: String) -> Range {
    Range {
        listing: true,
        ..all(pk)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> (TenantId, ConversationId, MessageId) {
        let at = Timestamp::from_millis(1_790_000_000_000);
        (
            TenantId::derived(at, [1; 10]),
            ConversationId::derived(at, [2; 10]),
            MessageId::derived(at, [3; 10]),
        )
    }

    #[test]
    fn partitions_and_sort_keys_parse_back() {
        let (t, c, m) = ids();
        let key = message(t, c, m);
        assert_eq!(parse_conversation_partition(&key.pk), Some((t, c)));
        assert_eq!(parse_message_sort_key(&key.sk), Some(m));
        for bad in [
            "",
            "dir#x",
            "tn_x#v#conv_y",
            &format!("{t}#v#{c}#more"),
            &format!("{t}#x#{c}"),
        ] {
            assert_eq!(parse_conversation_partition(bad), None, "{bad}");
        }
        assert_eq!(parse_message_sort_key(HEAD), None);
        let id = ExportId::derived(m.at(), [5; 10]);
        let key = export(t, id);
        assert_eq!(parse_export(&key.pk, &key.sk), Some((t, id)));
        assert_eq!(parse_export(&export_progress(t, id).pk, &key.sk), None);
    }

    #[test]
    fn a_backward_read_of_a_conversation_starts_with_its_head() {
        let (t, c, m) = ids();
        let range = head_and_messages(t, c);
        let mut keys = [
            conversation(t, c).sk,
            message(t, c, m).sk,
            trace(t, c, m.into()).sk,
        ];
        keys.sort();
        let inside: Vec<_> = keys
            .iter()
            .filter(|sk| range.from <= **sk && **sk <= range.to)
            .collect();
        assert_eq!(inside, [&message(t, c, m).sk, &conversation(t, c).sk]);
    }

    #[test]
    fn messages_after_one_exclude_it() {
        let (t, c, m) = ids();
        let later = MessageId::derived(m.at().plus(std::time::Duration::from_millis(1)), [0; 10]);
        let range = messages(t, c, Some(m));
        assert!(message(t, c, m).sk < range.from, "itself excluded");
        assert!(range.from < message(t, c, later).sk && message(t, c, later).sk < range.to);
        assert!(conversation(t, c).sk > range.to, "the head is no message");
    }

    #[test]
    fn a_window_takes_its_start_and_leaves_its_end() {
        let (t, c, m) = ids();
        let later = m.at().plus(std::time::Duration::from_millis(1));
        for at in [m.at(), later] {
            let sk = conversation_listing(t, c, at).sk;
            let inside = |since, until| {
                let range = conversations_between(t, since, until);
                range.from <= sk && sk <= range.to
            };
            assert!(inside(None, None) && inside(Some(m.at()), None));
            assert_eq!(inside(Some(m.at()), Some(later)), at == m.at());
            assert_eq!(inside(Some(later), None), at == later);
            let sk = message(t, c, MessageId::derived(at, [1; 10])).sk;
            let range = messages_between(t, c, m.at(), Some(later));
            assert_eq!(range.from <= sk && sk <= range.to, at == m.at());
        }
    }

    #[test]
    fn all_of_a_tenants_keys_start_with_its_id() {
        let (t, c, m) = ids();
        let hash = KeyedHash::from_bytes([9; 16]);
        let contact_id = ContactId::derived(m.at(), [4; 10]);
        let prefix = format!("{t}");
        for pk in [
            tenant(t).pk,
            contact(t, hash).pk,
            marker(t, hash, hash).pk,
            conversation(t, c).pk,
            message(t, c, m).pk,
            trace(t, c, m.into()).pk,
            idempotent_outcome(t, hash).pk,
            lead_identifier(t, hash, contact_id).pk,
            lead_identifier_listing(t, hash, contact_id).pk,
            rate_bucket(t, hash).pk,
            tenant_key(t).pk,
            contact_key(t, contact_id).pk,
            conversation_listing(t, c, m.at()).pk,
            audit_event(t, m.at(), "x").pk,
            export(t, ExportId::derived(m.at(), [5; 10])).pk,
            export_progress(t, ExportId::derived(m.at(), [5; 10])).pk,
            export_slot(t).pk,
            hold(t, HoldId::derived(m.at(), [6; 10])).pk,
            open_erasure(t, ErasureId::derived(m.at(), [7; 10])).pk,
        ] {
            assert!(pk == prefix || pk.starts_with(&format!("{prefix}#")), "{pk}");
        }
    }
}
