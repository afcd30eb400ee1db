//! The registry of records: everything that Usher stores, in one place.
//!
//! From this list come the period of each item, what an export holds and what erasure does. What is not
//! here cannot be written (see [`crate::record`]).

use serde_json::{Map, Value};

use crate::ai_notice::AiNotices;
use crate::alert::{Target, Told};
use crate::attachment::{AttachmentClaim, AttachmentTask, FileBytes};
use crate::category::Category;
use crate::channel::{
    AttachmentKind, AttachmentRefusal, AttachmentState, ChannelHealth, ChannelSettings, Connection, Delivery,
    Failure,
};
use crate::figures::Figures;
use crate::ids::{
    ApiKeyId, AttachmentId, ChannelId, ChannelKey, ContactId, ConversationId, DocumentId, ErasureId,
    ExportId, HoldId, LeadId, MessageId, PrivacyRequestId, TenantId, TraceId,
};
use crate::improvement::Improvement;
use crate::intents::Intents;
use crate::knowledge::Language;
use crate::lead::Correction;
use crate::masking::Masking;
use crate::merging::MergedLead;
use crate::model::{
    AuditAction, Author, ChannelKind, ChannelState, ContactRef, ConversationState, Decision, Direction,
    DocumentFormat, DocumentKind, DocumentWarning, ErasureLook, ErasureState, ExportCounts, ExportKind,
    ExportState, MessageBody, MessageState, PassageRef, Processing, Profile, Reach, ReadFailure,
    UploadProgress, Usage,
};
use crate::policy::TenantPolicy;
use crate::privacy::{ReplyTo, RequestCounts, RequestKind, RequestSource, RequestState, RequestSubject};
use crate::record::{
    Erasure, Export, Malformed, Open, Owner, Place, Record, RecordSpec, Sealed, closed, key,
};
use crate::rights::Asked;
use crate::scope::Scope;
use crate::sniff::MediaType;
use crate::switches::AiSwitches;
use crate::time::Timestamp;
use crate::untrusted::{KeyedHash, Label, Origin, WrappedBytes};

macro_rules! records {
    ($(
        $(#[$doc:meta])*
        record $name:ident($kind:literal) {
            category: $category:ident,
            owner: $owner:ident,
            sealed_by: $sealed_by:ident,
            places: [$($place:ident),+],
            anchor: $anchor:ident,
            export: $export:expr,
            erasure: $erasure:expr,
            open { $($(#[$open_doc:meta])* $open:ident: $open_type:ty,)* }
            sealed { $($(#[$sealed_doc:meta])* $sealed:ident: $sealed_type:ty,)* }
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name {
                $($(#[$open_doc])* pub $open: Open<$open_type>,)*
                $($(#[$sealed_doc])* pub $sealed: Sealed<$sealed_type>,)*
            }

            #[diagnostic::do_not_recommend]
            impl closed::Closed for $name {}

            #[diagnostic::do_not_recommend]
            impl Record for $name {
                type SealedBy = key::$sealed_by;
                const SPEC: RecordSpec = RecordSpec {
                    kind: $kind,
                    category: Category::$category,
                    owner: Owner::$owner,
                    sealed_by: <key::$sealed_by as crate::record::KeyKind>::NAME,
                    open: &[$(stringify!($open)),*],
                    open_types: &[$(stringify!($open_type)),*],
                    sealed: &[$(stringify!($sealed)),*],
                    anchor: stringify!($anchor),
                    places: &[$(Place::$place),+],
                    export: $export,
                    erasure: $erasure,
                };

                fn anchor(&self) -> Timestamp {
                    *self.$anchor
                }

                fn open_fields(&self) -> Result<Map<String, Value>, Malformed> {
                    let mut fields = Map::new();
                    $(
                        let value = serde_json::to_value(&self.$open.0)
                            .map_err(|_| Malformed { kind: $kind, field: stringify!($open) })?;
                        if !value.is_null() {
                            fields.insert(stringify!($open).to_owned(), value);
                        }
                    )*
                    Ok(fields)
                }

                #[allow(clippy::vec_init_then_push, unused_mut, reason = "generated: some records have no sealed field")]
                fn sealed_fields(&self) -> Result<Vec<(&'static str, Vec<u8>)>, Malformed> {
                    let mut fields = Vec::new();
                    $(
                        let bytes = serde_json::to_vec(self.$sealed.get())
                            .map_err(|_| Malformed { kind: $kind, field: stringify!($sealed) })?;
                        fields.push((stringify!($sealed), bytes));
                    )*
                    Ok(fields)
                }

                #[allow(unused_variables, reason = "generated: some records have no sealed field")]
                fn from_fields(
                    mut open: Map<String, Value>,
                    unsealed: &mut dyn FnMut(&'static str) -> Option<Vec<u8>>,
                ) -> Result<Self, Malformed> {
                    Ok(Self {
                        $($open: {
                            let value = open.remove(stringify!($open)).unwrap_or(Value::Null);
                            let value: $open_type = serde_json::from_value(value)
                                .map_err(|_| Malformed { kind: $kind, field: stringify!($open) })?;
                            Open(value)
                        },)*
                        $($sealed: {
                            let malformed = Malformed { kind: $kind, field: stringify!($sealed) };
                            // As with open fields: what a row lacks is `null`, which only an `Option` takes.
                            let bytes = unsealed(stringify!($sealed)).unwrap_or_else(|| b"null".to_vec());
                            let value: $sealed_type = serde_json::from_slice(&bytes).map_err(|_| malformed)?;
                            Sealed::from(value)
                        },)*
                    })
                }
            }
        )*

        /// What every record type declares, in the order of declaration.
        pub const REGISTRY: &[RecordSpec] = &[$(<$name as Record>::SPEC),*];
    };
}

const SECRET: Export = Export::Omitted("a secret that opens other data, useless to its owner");
const TRANSIENT: Export = Export::Omitted("ids on their way to a worker, no content");

records! {
    /// A business that uses Usher, with the policy in force.
    record Tenant("tenant") {
        category: Account,
        owner: Tenant,
        sealed_by: Tenant,
        places: [InboxTable],
        anchor: created_at,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// Its id.
            id: TenantId,
            /// When it was made.
            created_at: Timestamp,
            /// How long what is kept.
            policy: TenantPolicy,
            /// What is masked before it is stored.
            masking: Masking,
            /// Grows with every change to the tenant's documents, so that a cached index knows it is old.
            knowledge_version: u64,
            /// When its AI answers, if not always.
            ai: Option<AiSwitches>,
            /// What guests are told before the AI answers, where the tenant has words of its own for it.
            ai_notices: Option<AiNotices>,
            /// What people can be after, where the tenant has a list of its own.
            intents: Option<Intents>,
            /// Whether anything may be made of its own replies, if it ever said so.
            improvement: Option<Improvement>,
        }
        sealed {
            /// The business's name.
            name: String,
            /// E-mail address of the person who answers for the tenant; rows from before it was asked for have none.
            admin: Option<String>,
        }
    }

    /// Says that there is a tenant, for whoever must visit all of them. Lives in the directory, apart from the tenant's rows.
    record TenantEntry("tenant_entry") {
        category: Account,
        owner: Platform,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: created_at,
        export: Export::Omitted("an entry of the platform's own list: an id and a time, no content"),
        erasure: Erasure::Delete,
        open {
            /// The tenant's id.
            id: TenantId,
            /// When the tenant was made.
            created_at: Timestamp,
        }
        sealed {}
    }

    /// One place where people write to the tenant.
    record Channel("channel") {
        category: Account,
        owner: Tenant,
        sealed_by: Tenant,
        places: [InboxTable],
        anchor: created_at,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// Its id.
            id: ChannelId,
            /// What kind of place.
            kind: ChannelKind,
            /// Whether it takes messages.
            state: ChannelState,
            /// When it was connected.
            created_at: Timestamp,
            /// The public key by which pages address it.
            key: ChannelKey,
            /// Pages that may embed it; empty means any.
            allowed_origins: Vec<Origin>,
            /// What the last look at it found; rows from before it was looked at have none.
            health: Option<ChannelHealth>,
            /// When it was disconnected.
            disconnected_at: Option<Timestamp>,
            /// When everything that came by it is erased; nothing if it stays.
            purge_at: Option<Timestamp>,
            /// How often its name, pages or settings were changed.
            revision: Option<u32>,
        }
        sealed {
            /// The tenant's own name for it.
            name: String,
            /// What the tenant set; rows from before there was anything to set have none.
            settings: Option<ChannelSettings>,
        }
    }

    /// What a channel's carrier demands to know: account and secrets, under a key of the channel's own. Gone with the
    /// channel, at once.
    record ChannelSecret("channel_secret") {
        category: Credential,
        owner: Tenant,
        sealed_by: Channel,
        places: [InboxTable],
        anchor: created_at,
        export: SECRET,
        erasure: Erasure::Delete,
        open {
            /// The channel.
            channel: ChannelId,
            /// When it was connected.
            created_at: Timestamp,
            /// Hash of the grant that it lives by, as the directory has it.
            grant: Option<KeyedHash>,
        }
        sealed {
            /// Account and secrets.
            connection: Connection,
        }
    }

    /// Says that a channel lives by a person's grant at a platform. Lives in the directory: one person may have granted
    /// to several tenants, and the grant ends with the last channel of them all.
    record GrantUse("grant_use") {
        category: Account,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: created_at,
        export: Export::Omitted("an index of the channel, which is exported"),
        erasure: Erasure::Delete,
        open {
            /// Hash of who granted, under the platform's key.
            grant: KeyedHash,
            /// Whose channel.
            tenant: TenantId,
            /// Which channel.
            channel: ChannelId,
            /// When it was connected.
            created_at: Timestamp,
        }
        sealed {}
    }

    /// A platform's notice that a person took an app off, or wants all that it holds of them deleted. Lives in the
    /// directory: which tenants it concerns is not known before the platform was asked whom the person wrote to. Then it
    /// names their requests, and no longer the person.
    record AppRemoval("app_removal") {
        category: SecurityLog,
        owner: Platform,
        sealed_by: Platform,
        places: [InboxTable],
        anchor: at,
        export: Export::Omitted("a notice to the platform; what follows from it are the tenants' requests, which are exported"),
        erasure: Erasure::Keep("a keyed hash, times and ids of requests; the person's id is emptied once they were looked for"),
        open {
            /// Hash of who and when, under the platform's key: the same for every delivery.
            notice: KeyedHash,
            /// When it came.
            at: Timestamp,
            /// When the person was looked for; nothing while that is still to be done.
            looked_at: Option<Timestamp>,
            /// The tenants whose requests follow from it.
            tenants: Vec<TenantId>,
            /// These requests, in the same order: one for each place where the person was found.
            requests: Vec<PrivacyRequestId>,
        }
        sealed {
            /// The id by which the app knows the person, until they were looked for.
            person: Option<String>,
        }
    }

    /// A grant that has to be revoked at its platform, which did not answer when the channel was disconnected. Tried
    /// again until the platform has done it. Useless here: its channel is gone.
    record Revocation("revocation") {
        category: Credential,
        owner: Tenant,
        sealed_by: Tenant,
        places: [InboxTable],
        anchor: created_at,
        export: SECRET,
        erasure: Erasure::Delete,
        open {
            /// The channel that was disconnected.
            channel: ChannelId,
            /// What kind it was.
            kind: ChannelKind,
            /// When.
            created_at: Timestamp,
            /// How often it was tried.
            attempts: u32,
        }
        sealed {
            /// Account and secrets.
            connection: Connection,
        }
    }

    /// An address that must get nothing more from this tenant. Outlives the person's erasure: a keyed hash alone, which
    /// is what keeps the promise never to write to it again.
    record Suppression("suppression") {
        category: Suppression,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [LedgerTable],
        anchor: at,
        export: Export::Included,
        erasure: Erasure::Keep("keeps a withdrawal of consent: a keyed hash and a time, without which it would be forgotten"),
        open {
            /// Hash of the means and the address under the tenant's key.
            address: KeyedHash,
            /// Which means: `sms` or `email`.
            means: Label,
            /// Since when.
            at: Timestamp,
            /// Why: `keyword`, `words`, `carrier`, `bounce`, `complaint`.
            reason: Label,
            /// When the person allowed messages again.
            lifted_at: Option<Timestamp>,
        }
        sealed {}
    }

    /// Proof of what somebody asked for: a link during a call, for which one message is sent; no more text messages; text
    /// messages again. What proves it at the carrier goes with the person; what stays after an erasure is the entry
    /// under a keyed hash.
    record Consent("consent") {
        category: Suppression,
        owner: Tenant,
        sealed_by: Contact,
        places: [LedgerTable],
        anchor: at,
        export: Export::Included,
        erasure: Erasure::Keep("proof of what was asked for, under a keyed hash; its sealed part is unreadable once the contact's key is gone"),
        open {
            /// Hash of the call or text message that asked: there is one entry for each.
            request: KeyedHash,
            /// Hash of the number under the tenant's key.
            address: KeyedHash,
            /// The contact whose key seals the rest.
            contact: ContactRef,
            /// What was asked for: `link`, `stop`, `resume`.
            purpose: Label,
            /// When.
            at: Timestamp,
            /// The conversation in which it was asked for.
            conversation: ConversationId,
            /// The message that is sent for it; where none is, the one that asked.
            message: MessageId,
        }
        sealed {
            /// The carrier's id of what proves it: the call's recording, or the text message.
            evidence: String,
        }
    }

    /// The recording of a call, which is at its carrier and has to be removed there when its conversation ends. Sealed
    /// under the tenant's key: the conversation's is gone by then. Apart from the conversation's rows, and without a
    /// period of its own: it goes after the recording has gone.
    record CallRecording("call_recording") {
        category: Account,
        owner: Contact,
        sealed_by: Tenant,
        places: [InboxTable],
        anchor: at,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// The conversation that the call became.
            conversation: ConversationId,
            /// The contact who called.
            contact: ContactRef,
            /// The channel that was called: its credentials remove the recording.
            channel: ChannelId,
            /// When it was recorded.
            at: Timestamp,
        }
        sealed {
            /// The carrier's id of it.
            recording: String,
        }
    }

    /// Finds a channel before its tenant is known. Lives in the directory, under a platform-keyed hash of
    /// the address written to.
    record ChannelAddress("channel_address") {
        category: Account,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: created_at,
        export: Export::Omitted("an index of the channel, which is exported"),
        erasure: Erasure::Delete,
        open {
            /// Hash of the address.
            address: KeyedHash,
            /// Whose channel.
            tenant: TenantId,
            /// Which channel.
            channel: ChannelId,
            /// What kind of place.
            kind: ChannelKind,
            /// When it was connected.
            created_at: Timestamp,
            /// Pages that may embed it; empty means any.
            allowed_origins: Vec<Origin>,
            /// Its tenant paused it: what comes is stored, and nothing answers by itself.
            paused: Option<bool>,
        }
        sealed {}
    }

    /// One address on one channel, found by the keyed hash of the address. After erasure only the hash
    /// and `erased_at` remain, so that a late delivery brings nobody back.
    record Contact("contact") {
        category: Lead,
        owner: Contact,
        sealed_by: Contact,
        places: [InboxTable],
        anchor: last_seen,
        export: Export::Included,
        erasure: Erasure::Watermark("refuses late deliveries of what was erased; holds a keyed hash and a time"),
        open {
            /// Hash of the address under the tenant's key.
            address: KeyedHash,
            /// Id of the contact's keys.
            id: ContactId,
            /// The channel.
            channel: ChannelId,
            /// When it first wrote.
            first_seen: Timestamp,
            /// When it last wrote, to the day.
            last_seen: Timestamp,
            /// Its conversation in progress.
            conversation: ConversationId,
            /// The lead it belongs to.
            lead: Option<LeadId>,
            /// Something of this address was erased then: events at or before it are refused.
            erased_at: Option<Timestamp>,
            /// Hashes of events that were taken back before they arrived.
            withdrawn: Option<Vec<KeyedHash>>,
            /// What the person asked for their data, and was asked back.
            asked: Option<Asked>,
            /// What a person of the business corrected in the profile.
            corrected: Option<Correction>,
            /// Grows with every change to the profile.
            revision: Option<u64>,
        }
        sealed {
            /// What the person volunteered, and what the channel says about them.
            profile: Profile,
            /// The address itself, to answer to; absent where people come and fetch.
            reach: Option<Reach>,
        }
    }

    /// What is left of a contact after its erasure, in the contact's own row: a keyed hash and a time. It
    /// refuses late deliveries; a new message of the same address starts a fresh contact in its place.
    record ContactWatermark("contact_watermark") {
        category: Watermark,
        owner: Contact,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: erased_at,
        export: Export::Omitted("a keyed hash and a time, no content"),
        erasure: Erasure::Keep("refuses late deliveries of what was erased; ends when none can come any more"),
        open {
            /// Hash of the address under the tenant's key.
            address: KeyedHash,
            /// When the contact was erased.
            erased_at: Timestamp,
        }
        sealed {}
    }

    /// Remembers an event of a channel that gives its events no time of their own, so that a repeated
    /// delivery names the same message.
    record InboundMarker("inbound_marker") {
        category: Watermark,
        owner: Contact,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: at,
        export: Export::Omitted("a keyed hash and two ids, no content"),
        erasure: Erasure::Watermark("refuses late deliveries of what was erased; holds a keyed hash and ids"),
        open {
            /// Hash of the contact's address.
            address: KeyedHash,
            /// Hash of the channel's own id of the event.
            event: KeyedHash,
            /// When the event first arrived.
            at: Timestamp,
            /// The conversation it went to.
            conversation: ConversationId,
            /// The message it became.
            message: MessageId,
            /// Hash of what it said, to tell a repetition from another event under the same id.
            body: KeyedHash,
        }
        sealed {}
    }

    /// A person who may become a customer: a set of contacts. What they volunteered stays with each
    /// contact, so that merging and un-merging re-encrypts nothing.
    record Lead("lead") {
        category: Lead,
        owner: Contact,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: last_activity,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// Its id.
            id: LeadId,
            /// The contacts it is made of.
            contacts: Vec<ContactRef>,
            /// When it was captured.
            created_at: Timestamp,
            /// When it last changed.
            last_activity: Timestamp,
            /// What the person is after.
            intents: Vec<Label>,
            /// When it last changed by itself, while others are merged into it.
            own_activity: Option<Timestamp>,
            /// The leads that were merged into it, as they were.
            merged: Option<Vec<MergedLead>>,
        }
        sealed {}
    }

    /// Finds a lead by an exact e-mail address, phone number or handle. Its row is also listed under its contact's
    /// id, so that erasure finds it without any key. It may be stale: whoever finds a lead by it looks whether the
    /// contact's profile still says so.
    record LeadIdentifier("lead_identifier") {
        category: Lead,
        owner: Contact,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: at,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// Hash of kind and identifier under the tenant's key.
            identifier: KeyedHash,
            /// The contact whose profile holds it.
            contact: ContactRef,
            /// The lead that the contact belongs to.
            lead: LeadId,
            /// When it was taken down.
            at: Timestamp,
        }
        sealed {}
    }

    /// The head of a conversation.
    record Conversation("conversation") {
        category: Conversation,
        owner: Contact,
        sealed_by: Conversation,
        places: [InboxTable],
        anchor: last_activity,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// Its id.
            id: ConversationId,
            /// The contact it is with.
            contact: ContactRef,
            /// The channel it is on.
            channel: ChannelId,
            /// Who answers.
            state: ConversationState,
            /// When it began.
            created_at: Timestamp,
            /// When its order in the inbox last changed.
            last_activity: Timestamp,
            /// The newest inbound message that was answered or handed over.
            answered_through: Option<MessageId>,
            /// What may be done with what the contact writes, if not everything: as the contact's key has it.
            processing: Option<Processing>,
            /// Since when it waits for a person; none while it does not.
            waiting_since: Option<Timestamp>,
            /// When somebody said that they know of it; ends with the wait.
            acknowledged_at: Option<Timestamp>,
            /// The message that told the person that an AI answers; none where they are told by the page.
            ai_told: Option<MessageId>,
            /// The day that it is about, such as a wedding's: its period may count from there.
            event_at: Option<Timestamp>,
        }
        sealed {
            /// The first words of the first message.
            title: String,
            /// The address to answer to; absent where people come and fetch.
            reach: Option<Reach>,
        }
    }

    /// Says since when something in a conversation has been there, so that the sweep finds what has expired
    /// without looking at what has not. Listed by that time, whatever the policy is.
    record ConversationAge("conversation_age") {
        category: Account,
        owner: Contact,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: oldest,
        export: Export::Omitted("two ids and a time, for the sweep alone"),
        erasure: Erasure::Delete,
        open {
            /// The conversation.
            conversation: ConversationId,
            /// Its contact.
            contact: ContactRef,
            /// Time of the oldest thing in it.
            oldest: Timestamp,
        }
        sealed {}
    }

    /// One message, in either direction.
    record Message("message") {
        category: Conversation,
        owner: Contact,
        sealed_by: Conversation,
        places: [InboxTable],
        anchor: at,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// Its id; carries the time.
            id: MessageId,
            /// The conversation.
            conversation: ConversationId,
            /// The contact at the other end.
            contact: ContactRef,
            /// The channel it came by or leaves by.
            channel: ChannelId,
            /// Inbound or outbound.
            direction: Direction,
            /// Who wrote it.
            author: Author,
            /// Where it is on its way.
            state: MessageState,
            /// When it was received or written.
            at: Timestamp,
            /// The inbound message that it answers.
            answers: Option<MessageId>,
            /// Those before it that it answers as well.
            answers_also: Option<Vec<MessageId>>,
            /// How many attachments came with it.
            attachments: Option<u32>,
            /// Nothing to answer by itself: a machine sent it, another application has the thread, or the channel is
            /// paused.
            unattended: Option<bool>,
            /// When its writer changed it.
            edited_at: Option<Timestamp>,
            /// When its writer took it back: nothing of it is left but this row, which refuses late deliveries.
            withdrawn_at: Option<Timestamp>,
            /// The attempt that claimed it for delivery.
            claim: Option<Label>,
            /// Hash of the carrier's id of it.
            carrier: Option<KeyedHash>,
            /// How far it is known to have come.
            delivery: Option<Delivery>,
            /// Why it came no further.
            failure: Option<Failure>,
            /// The person asked for exactly this: a link, how to be left alone. It leaves whoever has the conversation.
            asked_for: Option<bool>,
            /// The carrier, or the channel's limit, said to come back then; nothing was sent.
            waits_until: Option<Timestamp>,
        }
        sealed {
            /// What it says.
            body: MessageBody,
        }
    }

    /// Something that came with a message. What it says of a file is what the file was found to be, never what it was
    /// said to be. Listed in the order of the files, so that a file without a row and a row without a file are found.
    record Attachment("attachment") {
        category: Attachment,
        owner: Contact,
        sealed_by: Conversation,
        places: [InboxTable],
        anchor: at,
        export: Export::Except(&[("claim.origin", "a carrier's address that opens the file, gone once it is stored")]),
        erasure: Erasure::Delete,
        open {
            /// Its id.
            id: AttachmentId,
            /// The message that it came with.
            message: MessageId,
            /// The conversation.
            conversation: ConversationId,
            /// The contact at the other end.
            contact: ContactRef,
            /// The channel it came by.
            channel: ChannelId,
            /// When the message was received.
            at: Timestamp,
            /// What it is said to be.
            kind: AttachmentKind,
            /// Where it is on its way.
            state: AttachmentState,
            /// Its bytes came with the message: nobody fetches it.
            at_hand: Option<bool>,
            /// Why it was not stored.
            refusal: Option<AttachmentRefusal>,
            /// What it was found to be.
            media_type: Option<MediaType>,
            /// Its size in bytes, as it was found.
            size: Option<u64>,
        }
        sealed {
            /// What is said of it, and where it is fetched from until it is stored.
            claim: AttachmentClaim,
        }
    }

    /// The file of an attachment, encrypted as a whole.
    record AttachmentFile("attachment_file") {
        category: Attachment,
        owner: Contact,
        sealed_by: Conversation,
        places: [AttachmentsBucket],
        anchor: at,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// Whose.
            tenant: TenantId,
            /// The conversation.
            conversation: ConversationId,
            /// The message.
            message: MessageId,
            /// The attachment.
            attachment: AttachmentId,
            /// When the message was received.
            at: Timestamp,
        }
        sealed {
            /// The file itself.
            content: FileBytes,
        }
    }

    /// A mail as SES put it into the bucket, in the clear, until it is a stored message: seconds; a day at most.
    record RawMail("raw_mail") {
        category: Transport,
        owner: Contact,
        sealed_by: Unsealed,
        places: [MailBucket],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When SES took it in.
            at: Timestamp,
        }
        sealed {}
    }

    /// A copy of an attachment in the clear, for whoever just asked for it: minutes old at most.
    record AttachmentCopy("attachment_copy") {
        category: Attachment,
        owner: Contact,
        sealed_by: Unsealed,
        places: [AttachmentsBucket],
        anchor: at,
        export: Export::Omitted("a copy for minutes of an attachment, which is exported"),
        erasure: Erasure::Delete,
        open {
            /// Whose.
            tenant: TenantId,
            /// The conversation.
            conversation: ConversationId,
            /// The attachment.
            attachment: AttachmentId,
            /// When it was asked for.
            at: Timestamp,
            /// Tells it from others, unguessable.
            name: Label,
        }
        sealed {}
    }

    /// A job: fetch an attachment, or remove what is stored of it.
    record AttachmentJob("attachment_job") {
        category: Transport,
        owner: Contact,
        sealed_by: Unsealed,
        places: [AttachmentQueue, AttachmentDeadLetters],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When the job was made.
            at: Timestamp,
            /// Whose conversation.
            tenant: TenantId,
            /// The conversation.
            conversation: ConversationId,
            /// The message.
            message: MessageId,
            /// The attachment.
            attachment: AttachmentId,
            /// What is to be done.
            task: AttachmentTask,
            /// The copy that is over, if one is.
            copy: Option<Label>,
        }
        sealed {}
    }

    /// A job: look for files of a tenant without a row, and for rows without a file.
    record OrphansJob("orphans_job") {
        category: Transport,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [AttachmentQueue, AttachmentDeadLetters],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When the job was made.
            at: Timestamp,
            /// Whose.
            tenant: TenantId,
            /// The place in the list of files after which to go on.
            after: Option<Label>,
        }
        sealed {}
    }

    /// One entry of the AI's audit trail: what it was asked, what it said, and why. It ends with the oldest
    /// message that its prompt quotes.
    record Trace("trace") {
        category: AiTrace,
        owner: Contact,
        sealed_by: Conversation,
        places: [InboxTable],
        anchor: since,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// Its id: the body of the inbound message's id.
            id: TraceId,
            /// The conversation.
            conversation: ConversationId,
            /// When the decision was made.
            at: Timestamp,
            /// Time of the oldest message in the prompt.
            since: Timestamp,
            /// The inbound messages that this turn answers.
            burst: Vec<MessageId>,
            /// What was decided.
            decision: Decision,
            /// The outbound message it led to, if it led to one.
            reply: Option<MessageId>,
            /// When a person took the conversation over, if it was the newest decision then.
            taken_over_at: Option<Timestamp>,
            /// Who was asked.
            provider: Label,
            /// Which model, with its version, as the provider names what answered.
            model: Label,
            /// What it took.
            usage: Usage,
            /// Passages that the answer rests on.
            passages: Vec<PassageRef>,
            /// Safety flags.
            flags: Vec<Label>,
            /// What the person is after.
            intent: Option<Label>,
            /// The language in which the answer begins with the notice that an AI gives it, if it does.
            ai_notice: Option<Language>,
        }
        sealed {
            /// The prompt sent.
            prompt: String,
            /// What was said.
            response: String,
            /// What the provider said, where something else was said in its stead.
            refused: Option<String>,
        }
    }

    /// One document that answers come from.
    record Document("document") {
        category: Account,
        owner: Tenant,
        sealed_by: Document,
        places: [InboxTable],
        anchor: created_at,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// Its id.
            id: DocumentId,
            /// What it was written as.
            format: DocumentFormat,
            /// What it is to the business.
            kind: DocumentKind,
            /// When it was added.
            created_at: Timestamp,
            /// When its text was last replaced.
            updated_at: Timestamp,
            /// From 1; one more with each text.
            version: u64,
            /// Size of its text in bytes.
            size: u64,
            /// What its owner should know about what was read.
            warnings: Vec<DocumentWarning>,
            /// When its web address was last looked at.
            read_at: Option<Timestamp>,
            /// Why the last look found nothing. The text of the one before stays.
            read_failure: Option<ReadFailure>,
        }
        sealed {
            /// Its title.
            title: String,
            /// What it shows, in the owner's words.
            caption: String,
            /// Its text, parts separated by form feeds.
            text: String,
            /// Where in the document each part stands.
            sources: Vec<String>,
            /// The web address that it is read from.
            source_url: Option<String>,
        }
    }

    /// How the AI speaks for a business, and what it knows without looking.
    record Assistant("assistant") {
        category: Account,
        owner: Tenant,
        sealed_by: Tenant,
        places: [InboxTable],
        anchor: changed_at,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// When it was last changed.
            changed_at: Timestamp,
        }
        sealed {
            /// How it speaks, in the business's words.
            voice: String,
            /// Facts that hold for every question.
            facts: String,
            /// When the business is open, in its own words.
            opening_hours: String,
        }
    }

    /// An API key: what it may do, under the hash of its secret. Lives in the directory.
    record ApiKey("api_key") {
        category: Credential,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: created_at,
        export: SECRET,
        erasure: Erasure::Delete,
        open {
            /// Hash of the secret.
            hash: KeyedHash,
            /// Its id.
            id: ApiKeyId,
            /// Whose key.
            tenant: TenantId,
            /// What it may do.
            scopes: Vec<Scope>,
            /// Last four characters of the secret, to tell keys apart.
            last_four: Label,
            /// When it was made.
            created_at: Timestamp,
            /// When it ends.
            expires_at: Option<Timestamp>,
            /// When it was revoked.
            revoked_at: Option<Timestamp>,
        }
        sealed {}
    }

    /// A data key, wrapped by the key above it.
    record WrappedKey("wrapped_key") {
        category: Key,
        owner: Contact,
        sealed_by: Unsealed,
        places: [KeysTable],
        anchor: created_at,
        export: SECRET,
        erasure: Erasure::Delete,
        open {
            /// When it was made.
            created_at: Timestamp,
            /// The wrapped bytes.
            wrapped: WrappedBytes,
            /// On a contact's key: what holds protect of that contact, once for each hold. While it says anything
            /// of it, neither this key nor the named conversation's may be deleted.
            held: Option<Vec<Label>>,
            /// On a contact's key: what may be done with what the contact writes, if not everything. Here, because
            /// nothing is read without the key.
            processing: Option<Processing>,
        }
        sealed {}
    }

    /// Says which tables may serve: those that were made by provisioning, or had the ledger of erasures replayed
    /// on them. It names each table by the id that the database gave it when it was made, which no restored table
    /// has again: restored with the data, this row names the tables of before.
    record ServingMark("serving_mark") {
        category: Account,
        owner: Platform,
        sealed_by: Unsealed,
        places: [KeysTable],
        anchor: marked_at,
        export: Export::Omitted("ids of the platform's own tables and two times"),
        erasure: Erasure::Keep("one row for the whole platform; says nothing of anybody"),
        open {
            /// Id of the Inbox table.
            inbox: Label,
            /// Id of the Ledger table.
            ledger: Label,
            /// Id of the Keys table.
            keys: Label,
            /// When it was written.
            marked_at: Timestamp,
            /// Up to when erasures were replayed; absent on tables that were never restored.
            replayed_through: Option<Timestamp>,
        }
        sealed {}
    }

    /// Outcome of a request that carried an idempotency key: the id of what it made, never its content.
    record IdempotentOutcome("idempotent_outcome") {
        category: Idempotency,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: at,
        export: Export::Omitted("a keyed hash and an id, kept for a day"),
        erasure: Erasure::Keep("points at nothing once its resource is gone; ends within a day"),
        open {
            /// Hash of route, API key and idempotency key.
            request: KeyedHash,
            /// Hash of the body.
            body: KeyedHash,
            /// When the request came.
            at: Timestamp,
            /// The id that the request's resource has or will have.
            resource: Label,
            /// Whether the resource was made.
            complete: bool,
        }
        sealed {}
    }

    /// How often one API key, or one network address at one chat, asked lately. The hash is made under the
    /// tenant's key and with the day's date: tomorrow the same address has another.
    record RateBucket("rate_bucket") {
        category: RateLimit,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: at,
        export: Export::Omitted("a keyed hash and a time, kept for a day"),
        erasure: Erasure::Keep("says nothing of anybody without the tenant's key; ends within a day"),
        open {
            /// Hash of what is limited, who asked, and the day.
            sender: KeyedHash,
            /// When tokens were last taken.
            at: Timestamp,
            /// When the bucket is full again.
            full_at: Timestamp,
            /// How often tokens were taken: tells two takers apart.
            leases: u64,
        }
        sealed {}
    }

    /// Something that was done to a tenant's settings or taken over by a person.
    record AuditEvent("audit_event") {
        category: SecurityLog,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [LedgerTable],
        anchor: at,
        export: Export::Included,
        erasure: Erasure::Keep("proof of who did what, without content; ends after twelve months"),
        open {
            /// When.
            at: Timestamp,
            /// By which key.
            actor: ApiKeyId,
            /// What.
            action: AuditAction,
            /// To which resource.
            target: Label,
        }
        sealed {}
    }

    /// An erasure: what was asked to be forgotten, and how far that has come. Opaque ids only; replayed on
    /// whatever is restored from a backup.
    record Erasing("erasure") {
        category: Ledger,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [LedgerTable],
        anchor: requested_at,
        export: Export::Included,
        erasure: Erasure::Keep("proof that it was done, and what a restored backup has to forget again; ids only"),
        open {
            /// Its id.
            id: ErasureId,
            /// The conversation or lead that was named.
            subject: Label,
            /// When it was asked for.
            requested_at: Timestamp,
            /// How far it has come.
            state: ErasureState,
            /// When it came so far.
            updated_at: Timestamp,
            /// The lead to erase.
            lead: Option<LeadId>,
            /// The contacts concerned.
            contacts: Vec<ContactRef>,
            /// Whether the contacts themselves are erased, or only the conversations.
            whole_contacts: bool,
            /// The conversations to erase.
            conversations: Vec<ConversationId>,
            /// The API key that asked for it.
            requested_by: Option<ApiKeyId>,
        }
        sealed {}
    }

    /// An erasure that is not finished, for whoever starts again what came to a stop. Written before the erasure
    /// and removed after it, so that only what is unfinished has to be looked through.
    record OpenErasure("open_erasure") {
        category: Ledger,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [LedgerTable],
        anchor: started_at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// The erasure.
            erasure: ErasureId,
            /// When a worker was last asked to do it.
            started_at: Timestamp,
        }
        sealed {}
    }

    /// What somebody asked to be done with what is kept of a person or of the tenant, and how far it has come. Ids and
    /// times; what people wrote about it is sealed.
    record PrivacyRequest("privacy_request") {
        category: Ledger,
        owner: Tenant,
        sealed_by: Tenant,
        places: [LedgerTable],
        anchor: created_at,
        export: Export::Included,
        erasure: Erasure::Keep("proof of what was asked, when and what was done; ids only, and what the tenant wrote about it"),
        open {
            /// Its id.
            id: PrivacyRequestId,
            /// What is asked for.
            kind: RequestKind,
            /// What it is about.
            subject: RequestSubject,
            /// By which way it was asked.
            source: RequestSource,
            /// Where it stands.
            state: RequestState,
            /// When it was asked: from here its time runs.
            created_at: Timestamp,
            /// When it last moved.
            updated_at: Timestamp,
            /// By when it is answered.
            due_at: Timestamp,
            /// When whoever asked had shown that they may.
            confirmed_at: Option<Timestamp>,
            /// When it was begun.
            begun_at: Option<Timestamp>,
            /// When the last key of what it is about was deleted: nothing of it can be read from then on.
            unreadable_at: Option<Timestamp>,
            /// When the last row and file of it was removed.
            removed_at: Option<Timestamp>,
            /// When it was looked for once more, and nothing was found.
            verified_at: Option<Timestamp>,
            /// When it was over, however it ended.
            ended_at: Option<Timestamp>,
            /// When whoever asked was told how it ended.
            told_at: Option<Timestamp>,
            /// The open request for the same.
            duplicate_of: Option<PrivacyRequestId>,
            /// The API key that asked.
            requested_by: Option<ApiKeyId>,
            /// The API key that refused, withdrew or answered it.
            ended_by: Option<ApiKeyId>,
            /// The erasures that do it.
            erasures: Vec<ErasureId>,
            /// What was done.
            counts: RequestCounts,
        }
        sealed {
            /// What the tenant noted about it.
            notes: Option<String>,
            /// Why it was refused, in words for whoever asked.
            reason: Option<String>,
        }
    }

    /// That a request is open: there is one for the same at a time, and these are all that have a clock running. Gone
    /// once it is over.
    record OpenRequest("open_request") {
        category: Ledger,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [LedgerTable],
        anchor: opened_at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// The request.
            request: PrivacyRequestId,
            /// When it was asked.
            opened_at: Timestamp,
            /// When a worker was last asked to go on with it.
            started_at: Timestamp,
            /// By when it is answered.
            due_at: Timestamp,
        }
        sealed {}
    }

    /// Finds a request by its confirmation code, before its tenant is known. Lives in the directory.
    record PrivacyCode("privacy_code") {
        category: Ledger,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: created_at,
        export: SECRET,
        erasure: Erasure::Keep("a keyed hash and ids: without it nobody who asked could see what became of it"),
        open {
            /// Hash of the code under the platform's key.
            code: KeyedHash,
            /// Whose request.
            tenant: TenantId,
            /// The request.
            request: PrivacyRequestId,
            /// When it was asked.
            created_at: Timestamp,
        }
        sealed {}
    }

    /// Where a person who asked is told what became of it. Apart from the request, because it is deleted once they were.
    record PrivacyReply("privacy_reply") {
        category: Ledger,
        owner: Tenant,
        sealed_by: Tenant,
        places: [LedgerTable],
        anchor: created_at,
        export: Export::Omitted("an address for one answer, deleted once it is given"),
        erasure: Erasure::Delete,
        open {
            /// The request.
            request: PrivacyRequestId,
            /// When it was asked.
            created_at: Timestamp,
        }
        sealed {
            /// Where.
            to: ReplyTo,
        }
    }

    /// A job: go on with a request of privacy.
    record PrivacyJob("privacy_job") {
        category: Transport,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [ErasureQueue, ErasureDeadLetters],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When the job was made.
            at: Timestamp,
            /// Whose.
            tenant: TenantId,
            /// The request; nothing for all that wait for an erasure or for the end of a hold.
            request: Option<PrivacyRequestId>,
            /// Which look at it, where what is done is looked at once more.
            look: ErasureLook,
        }
        sealed {}
    }

    /// What an erasure did, when, and what an independent look found afterwards: for whoever asked, and for the receipt.
    /// Counts, times and keyed hashes.
    record ErasureReport("erasure_report") {
        category: Ledger,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [LedgerTable],
        anchor: asked_at,
        export: Export::Omitted("counts and times of an erasure, which the request shows"),
        erasure: Erasure::Keep("proof of what an erasure did: counts and times, and hashes to look for what may be left"),
        open {
            /// The erasure.
            erasure: ErasureId,
            /// When it was asked for.
            asked_at: Timestamp,
            /// When the keys were gone.
            unreadable_at: Option<Timestamp>,
            /// When rows and files were removed.
            removed_at: Option<Timestamp>,
            /// When it was looked for independently, and nothing was found.
            verified_at: Option<Timestamp>,
            /// When the feed of deletions had it.
            announced_at: Option<Timestamp>,
            /// Rows and keys that were removed.
            rows: u64,
            /// Files that were removed.
            files: u64,
            /// What the last independent look found.
            left: u64,
            /// Hashes under which the person could be found; nothing once none of them is.
            identifiers: Option<Vec<KeyedHash>>,
        }
        sealed {}
    }

    /// An entry of the feed of deletions: what was erased, for those who keep copies of it elsewhere.
    record Deletion("deletion") {
        category: Ledger,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [LedgerTable],
        anchor: at,
        export: Export::Included,
        erasure: Erasure::Keep("tells whoever has copies what to delete: ids that lead nowhere any more"),
        open {
            /// When it was erased here.
            at: Timestamp,
            /// What: a conversation, a lead, a message, a channel.
            target: Label,
            /// The erasure; a message has none.
            erasure: Option<ErasureId>,
        }
        sealed {}
    }

    /// Keeps a conversation, or a lead with everything of it, from being erased or swept, until it is released.
    /// The keys of the contacts concerned say so too: that is what stops a deletion.
    record Hold("hold") {
        category: Hold,
        owner: Tenant,
        sealed_by: Tenant,
        places: [LedgerTable],
        anchor: placed_at,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// Its id.
            id: HoldId,
            /// The conversation or lead that was named.
            subject: Label,
            /// The contacts concerned.
            contacts: Vec<ContactRef>,
            /// The conversation, if it is about one; otherwise all of the contacts' are held.
            conversation: Option<ConversationId>,
            /// When it was placed.
            placed_at: Timestamp,
            /// When it was released.
            released_at: Option<Timestamp>,
            /// When stamps were last taken off what it protects, so that the database does not remove it.
            tended_at: Option<Timestamp>,
        }
        sealed {
            /// Why, as whoever placed it put it.
            reason: String,
        }
    }

    /// Where the sweep stopped for lack of time: the next run goes on from there. Lives in the directory.
    record SweepPlace("sweep_place") {
        category: Account,
        owner: Platform,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: at,
        export: Export::Omitted("the platform's own note of how far it came: an id and a time"),
        erasure: Erasure::Keep("one row for the whole platform, which the next run overwrites"),
        open {
            /// The last tenant that was swept; none if all were.
            after: Option<TenantId>,
            /// When.
            at: Timestamp,
        }
        sealed {}
    }

    /// A job: go on with an erasure.
    record EraseJob("erase_job") {
        category: Transport,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [ErasureQueue, ErasureDeadLetters],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When the job was made.
            at: Timestamp,
            /// Whose.
            tenant: TenantId,
            /// The erasure.
            erasure: ErasureId,
            /// Which look.
            look: ErasureLook,
        }
        sealed {}
    }

    /// A job: answer this inbound message.
    record ReplyJob("reply_job") {
        category: Transport,
        owner: Contact,
        sealed_by: Unsealed,
        places: [ReplyQueue, ReplyDeadLetters],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When the job was made.
            at: Timestamp,
            /// Whose conversation.
            tenant: TenantId,
            /// The conversation.
            conversation: ConversationId,
            /// The inbound message.
            message: MessageId,
        }
        sealed {}
    }

    /// A job: bring this outbound message to its channel.
    record DeliverJob("deliver_job") {
        category: Transport,
        owner: Contact,
        sealed_by: Unsealed,
        places: [DeliverQueue, DeliverDeadLetters],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When the job was made.
            at: Timestamp,
            /// Whose conversation.
            tenant: TenantId,
            /// The conversation.
            conversation: ConversationId,
            /// The outbound message.
            message: MessageId,
            /// The channel of its conversation; jobs from before they named it have none.
            channel: Option<ChannelId>,
        }
        sealed {}
    }

    /// A job: tell somebody how their request of privacy ended.
    record TellJob("tell_job") {
        category: Transport,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [DeliverQueue, DeliverDeadLetters],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When the job was made.
            at: Timestamp,
            /// Whose request.
            tenant: TenantId,
            /// The request.
            request: PrivacyRequestId,
        }
        sealed {}
    }

    /// Whom a tenant wants told when somebody waits for a person, and how often.
    record AlertPlan("alert_plan") {
        category: Account,
        owner: Tenant,
        sealed_by: Tenant,
        places: [InboxTable],
        anchor: created_at,
        export: Export::Except(&[("telegram_token", "a secret that opens the business's bot")]),
        erasure: Erasure::Delete,
        open {
            /// When it was first written.
            created_at: Timestamp,
            /// Grows with every change, by the tenant or by what became of an alert.
            version: u64,
            /// Minutes after which somebody is told again.
            repeat_minutes: u32,
            /// Minutes after which the second ones are told as well.
            second_after_minutes: u32,
        }
        sealed {
            /// Whom.
            targets: Vec<Target>,
            /// Secret of the tenant's own Telegram bot; none where the installation's is used.
            telegram_token: Option<String>,
        }
    }

    /// How far the alerts of one wait have come. In the conversation's partition, and gone with it.
    record AlertState("alert_state") {
        category: Conversation,
        owner: Contact,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: since,
        export: Export::Included,
        erasure: Erasure::Delete,
        open {
            /// The conversation.
            conversation: ConversationId,
            /// The wait: since when.
            since: Timestamp,
            /// Number of looks that are over.
            looks: u32,
            /// Attempts at the look that is not over.
            attempts: u32,
            /// Who was told when.
            told: Vec<Told>,
            /// The attempt that has claimed it.
            claim: Option<Label>,
            /// Until when.
            lease_until: Option<Timestamp>,
        }
        sealed {}
    }

    /// A job: look whether somebody has to be told, or told again, that a conversation waits.
    record AlertJob("alert_job") {
        category: Transport,
        owner: Contact,
        sealed_by: Unsealed,
        places: [AlertQueue, AlertDeadLetters],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When the job was made.
            at: Timestamp,
            /// Whose conversation.
            tenant: TenantId,
            /// The conversation.
            conversation: ConversationId,
            /// The wait: since when.
            since: Timestamp,
            /// Which look, from 1.
            look: u32,
        }
        sealed {}
    }

    /// What was counted of one day on one channel. Counts alone: it points at nobody, and stays when everything that was
    /// counted is gone.
    record DayFigures("day_figures") {
        category: Aggregate,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: day,
        export: Export::Included,
        erasure: Erasure::Keep("counts of a day on a channel; nothing in them points at anybody"),
        open {
            /// When the day began, UTC.
            day: Timestamp,
            /// The channel.
            channel: ChannelId,
            /// What was counted.
            figures: Figures,
        }
        sealed {}
    }

    /// Up to when a tenant's figures are counted. Moved together with what was counted, so nothing is counted twice.
    record CountedThrough("counted_through") {
        category: Aggregate,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: through,
        export: Export::Omitted("a time, for counting alone"),
        erasure: Erasure::Keep("a time; without it what is left would be counted twice"),
        open {
            /// Everything before it is counted.
            through: Timestamp,
        }
        sealed {}
    }

    /// A file that a tenant asked for: what it holds, how far it is, and what is needed to check it.
    record DataExport("export") {
        category: Export,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [LedgerTable],
        anchor: created_at,
        export: Export::Omitted("describes another export; what it held is exported again"),
        erasure: Erasure::Delete,
        open {
            /// Its id.
            id: ExportId,
            /// What it holds.
            kind: ExportKind,
            /// The lead that an archive is about.
            lead: Option<LeadId>,
            /// The contact that an archive is about who is nobody's lead.
            contact: Option<ContactRef>,
            /// Whether it holds the AI's audit trail, where that takes a permission of its own.
            traces: Option<bool>,
            /// Where it is.
            state: ExportState,
            /// How much it holds so far.
            counts: ExportCounts,
            /// The API key that asked for it.
            requested_by: ApiKeyId,
            /// Hash under which that key stands in the directory.
            requester: KeyedHash,
            /// When it was asked for.
            created_at: Timestamp,
            /// When it last changed.
            updated_at: Timestamp,
            /// When it was complete.
            completed_at: Option<Timestamp>,
            /// Number of the worker that may write it: each that takes over adds one.
            attempt: u32,
            /// Until when that worker holds it.
            lease_until: Timestamp,
            /// Bytes written so far; in the end the file's size.
            size: u64,
            /// SHA-256 of the whole file, once it is complete.
            sha256: Option<Label>,
            /// Hash of the download link's token, once it is complete.
            token: Option<KeyedHash>,
        }
        sealed {}
    }

    /// How far the upload of an export's file is, for the worker that takes over.
    record ExportProgress("export_progress") {
        category: Export,
        owner: Tenant,
        sealed_by: Tenant,
        places: [LedgerTable],
        anchor: created_at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// The export.
            export: ExportId,
            /// When the export was asked for.
            created_at: Timestamp,
            /// The worker that wrote this.
            attempt: u32,
        }
        sealed {
            /// How far.
            upload: UploadProgress,
        }
    }

    /// Says which export of a tenant is running: there is one at a time.
    record ExportSlot("export_slot") {
        category: Export,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [LedgerTable],
        anchor: taken_at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// The export.
            export: ExportId,
            /// When it began.
            taken_at: Timestamp,
            /// Until when it is believed to run without a sign of life.
            held_until: Timestamp,
        }
        sealed {}
    }

    /// The file of an export, readable by its owner, and the parts of it while it is being uploaded.
    record ExportFile("export_file") {
        category: Export,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [ExportsBucket],
        anchor: created_at,
        export: Export::Omitted("is itself an export; what it held is exported again"),
        erasure: Erasure::Delete,
        open {
            /// Whose file.
            tenant: TenantId,
            /// The export.
            export: ExportId,
            /// What it holds.
            kind: ExportKind,
            /// When the export was asked for.
            created_at: Timestamp,
        }
        sealed {}
    }

    /// Finds an export by the token of its download link, before its tenant is known. Lives in the directory,
    /// a week longer than the file, to say that it is over.
    record DownloadLink("download_link") {
        category: Watermark,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [InboxTable],
        anchor: created_at,
        export: SECRET,
        erasure: Erasure::Keep("a keyed hash and ids: says that a link is over; opens nothing once its export is gone"),
        open {
            /// Hash of the token.
            token: KeyedHash,
            /// Whose export.
            tenant: TenantId,
            /// The export.
            export: ExportId,
            /// When the export was asked for.
            created_at: Timestamp,
        }
        sealed {}
    }

    /// A job: write the file of this export.
    record ExportJob("export_job") {
        category: Transport,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [ExportQueue, ExportDeadLetters],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When the job was made.
            at: Timestamp,
            /// Whose export.
            tenant: TenantId,
            /// The export.
            export: ExportId,
        }
        sealed {}
    }

    /// A stream record that could not be dispatched: its keys, which are pseudonyms.
    record StreamLetter("stream_letter") {
        category: Transport,
        owner: Tenant,
        sealed_by: Unsealed,
        places: [StreamDeadLetters],
        anchor: at,
        export: TRANSIENT,
        erasure: Erasure::Delete,
        open {
            /// When it was set aside.
            at: Timestamp,
            /// Partition key of the row.
            pk: Label,
            /// Sort key of the row.
            sk: Label,
        }
        sealed {}
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn kinds_are_unique() {
        let kinds: BTreeSet<_> = REGISTRY.iter().map(|spec| spec.kind).collect();
        assert_eq!(kinds.len(), REGISTRY.len());
    }

    #[test]
    fn every_category_and_place_is_used_by_a_record() {
        for category in Category::ALL {
            assert!(
                REGISTRY.iter().any(|spec| spec.category == category),
                "{category:?}"
            );
        }
        for place in Place::ALL {
            assert!(
                REGISTRY.iter().any(|spec| spec.places.contains(&place)),
                "{place:?}"
            );
        }
    }

    #[test]
    fn a_record_has_sealed_fields_exactly_if_it_names_a_key() {
        for spec in REGISTRY {
            assert_eq!(spec.sealed.is_empty(), spec.sealed_by == "none", "{}", spec.kind);
        }
    }

    #[test]
    fn a_sealed_field_that_a_row_lacks_is_none_where_it_is_optional_and_malformed_elsewhere() {
        let at = Timestamp::from_millis(1);
        let tenant = Tenant {
            id: TenantId::derived(at, [1; 10]).into(),
            created_at: at.into(),
            policy: TenantPolicy::default().into(),
            masking: Masking::ALL.into(),
            knowledge_version: 0.into(),
            ai: None.into(),
            ai_notices: None.into(),
            intents: None.into(),
            improvement: None.into(),
            name: "Venue".to_owned().into(),
            admin: Some("owner@example.com".to_owned()).into(),
        };
        let open = tenant.open_fields().unwrap();
        let sealed = tenant.sealed_fields().unwrap();
        let read = |lacks: &str| {
            Tenant::from_fields(open.clone(), &mut |field| {
                let found = sealed.iter().find(|(name, _)| *name == field && field != lacks);
                found.map(|(_, bytes)| bytes.clone())
            })
        };
        assert_eq!(read("nothing").unwrap(), tenant);
        assert_eq!(read("admin").unwrap().admin.get(), &None);
        let malformed = Malformed {
            kind: "tenant",
            field: "name",
        };
        assert_eq!(read("name").unwrap_err(), malformed);
    }

    #[test]
    fn what_is_kept_or_left_out_says_why() {
        for spec in REGISTRY {
            if let Export::Omitted(why) = spec.export {
                assert!(why.len() > 20, "{}", spec.kind);
            }
            if let Export::Except(parts) = spec.export {
                for (part, why) in parts {
                    let field = part.split('.').next().unwrap();
                    assert!(
                        spec.open.contains(&field) || spec.sealed.contains(&field),
                        "{part}"
                    );
                    assert!(why.len() > 20, "{}", spec.kind);
                }
            }
            if let Erasure::Keep(why) | Erasure::Watermark(why) = spec.erasure {
                assert!(why.len() > 20, "{}", spec.kind);
            }
        }
    }
}
