//! What it takes to be stored: the [`Record`] trait, its fields' types, and what a record declares.
//!
//! [`Record`] cannot be implemented outside this crate, and inside it only the one `records!` invocation
//! in [`crate::records`] does. So a type that declares no category, owner, place and fate cannot be
//! written to a table or a queue: it does not compile.

use std::fmt;
use std::ops::Deref;

use serde_json::{Map, Value};

use crate::category::Category;
use crate::time::Timestamp;

pub(crate) mod closed {
    /// Only the registry's macro names this trait.
    pub trait Closed {}
}

/// Marks a type whose values say nothing about a person: ids, times, enums, keyed hashes.
///
/// Only such types may be stored outside a sealed field. A plain `String` is not one of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` may hold personal data and cannot be stored in the open",
    note = "declare the field under `sealed`, or store an id, a time, an enum or a keyed hash"
)]
pub trait NotPersonal {}

macro_rules! not_personal {
    ($($type:ty),* $(,)?) => { $(#[diagnostic::do_not_recommend] impl NotPersonal for $type {})* };
}
not_personal!(bool, u16, u32, u64, Timestamp);
impl<T: NotPersonal> NotPersonal for Option<T> {}
impl<T: NotPersonal> NotPersonal for Vec<T> {}

/// A field stored as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<T: NotPersonal>(pub T);

impl<T: NotPersonal> Deref for Open<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: NotPersonal> From<T> for Open<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

/// A field stored only encrypted. In memory it is plain; `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed<T>(T);

impl<T> Sealed<T> {
    /// The plain value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The plain value, by move.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Sealed<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// Which data key a record's sealed fields are encrypted under. Uninhabited types, so that the store can
/// demand the right key at compile time.
pub mod key {
    /// The tenant's key: unwrapped by KMS, cached for minutes.
    #[derive(Clone, Copy, Debug)]
    pub enum Tenant {}
    /// The key of one contact. Deleting it forgets the person on that channel.
    #[derive(Clone, Copy, Debug)]
    pub enum Contact {}
    /// The key of one conversation, wrapped by its contact's.
    #[derive(Clone, Copy, Debug)]
    pub enum Conversation {}
    /// The key of one document.
    #[derive(Clone, Copy, Debug)]
    pub enum Document {}
    /// One channel's key, wrapped by its tenant's.
    #[derive(Clone, Copy, Debug)]
    pub enum Channel {}
    /// The platform's own key: hashes of the directory.
    #[derive(Clone, Copy, Debug)]
    pub enum Platform {}
    /// The record has no sealed field.
    #[derive(Clone, Copy, Debug)]
    pub enum Unsealed {}
}

/// The kinds of data keys, as types.
pub trait KeyKind: closed::Closed {
    /// The kind's name, part of what a ciphertext is bound to.
    const NAME: &'static str;
}

macro_rules! key_kinds {
    ($($kind:ident = $name:literal),*) => {$(
        #[diagnostic::do_not_recommend]
        impl closed::Closed for key::$kind {}
        impl KeyKind for key::$kind { const NAME: &'static str = $name; }
    )*};
}
key_kinds!(
    Tenant = "tenant",
    Contact = "contact",
    Conversation = "conversation",
    Document = "document",
    Channel = "channel",
    Platform = "platform",
    Unsealed = "none"
);

/// Whose data a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The person on the other end of a channel.
    Contact,
    /// The business.
    Tenant,
    /// Usher itself.
    Platform,
}

/// Where copies of a record are. Names are the logical ids of `template.yaml`; a test compares both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Conversations, messages, contacts, leads, traces, settings, documents; and the directory.
    InboxTable,
    /// What is kept as proof.
    LedgerTable,
    /// Wrapped data keys.
    KeysTable,
    /// Inbound messages that wait for an answer.
    ReplyQueue,
    /// Answers that were tried too often.
    ReplyDeadLetters,
    /// Outbound messages that wait for their carrier.
    DeliverQueue,
    /// Deliveries that were tried too often.
    DeliverDeadLetters,
    /// Stream records that could not be dispatched.
    StreamDeadLetters,
    /// Erasures to be worked through.
    ErasureQueue,
    /// Erasures that were tried too often.
    ErasureDeadLetters,
    /// Exports that wait for a worker.
    ExportQueue,
    /// Exports that were tried too often.
    ExportDeadLetters,
    /// Files of exports, and parts of unfinished ones.
    ExportsBucket,
    /// Attachments to be fetched or removed.
    AttachmentQueue,
    /// What was tried too often of that.
    AttachmentDeadLetters,
    /// Attachments, encrypted, and for minutes in the clear.
    AttachmentsBucket,
    /// Raw mail on its way in, for seconds.
    MailBucket,
    /// Waits of which somebody has to be told.
    AlertQueue,
    /// What was tried too often of that.
    AlertDeadLetters,
}

impl Place {
    /// Every place.
    pub const ALL: [Self; 19] = [
        Self::InboxTable,
        Self::LedgerTable,
        Self::KeysTable,
        Self::ReplyQueue,
        Self::ReplyDeadLetters,
        Self::DeliverQueue,
        Self::DeliverDeadLetters,
        Self::StreamDeadLetters,
        Self::ErasureQueue,
        Self::ErasureDeadLetters,
        Self::ExportQueue,
        Self::ExportDeadLetters,
        Self::ExportsBucket,
        Self::AttachmentQueue,
        Self::AttachmentDeadLetters,
        Self::AttachmentsBucket,
        Self::MailBucket,
        Self::AlertQueue,
        Self::AlertDeadLetters,
    ];

    /// The resource's logical id in `template.yaml`.
    pub const fn logical_id(self) -> &'static str {
        match self {
            Self::InboxTable => "InboxTable",
            Self::LedgerTable => "LedgerTable",
            Self::KeysTable => "KeysTable",
            Self::ReplyQueue => "ReplyQueue",
            Self::ReplyDeadLetters => "ReplyDeadLetters",
            Self::DeliverQueue => "DeliverQueue",
            Self::DeliverDeadLetters => "DeliverDeadLetters",
            Self::StreamDeadLetters => "StreamDeadLetters",
            Self::ErasureQueue => "ErasureQueue",
            Self::ErasureDeadLetters => "ErasureDeadLetters",
            Self::ExportQueue => "ExportQueue",
            Self::ExportDeadLetters => "ExportDeadLetters",
            Self::ExportsBucket => "ExportsBucket",
            Self::AttachmentQueue => "AttachmentQueue",
            Self::AttachmentDeadLetters => "AttachmentDeadLetters",
            Self::AttachmentsBucket => "AttachmentsBucket",
            Self::MailBucket => "MailBucket",
            Self::AlertQueue => "AlertQueue",
            Self::AlertDeadLetters => "AlertDeadLetters",
        }
    }
}

/// How a record appears in its owner's export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// All of it.
    Included,
    /// All of it but these parts, each with a reason that can be shown to the owner: a field, or `field.part` of one.
    Except(&'static [(&'static str, &'static str)]),
    /// Not at all, for a reason that can be shown to the owner.
    Omitted(&'static str),
}

/// What erasing its owner does to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// It is deleted.
    Delete,
    /// It is emptied; what remains points at nobody and keeps late deliveries from bringing the person back.
    Watermark(&'static str),
    /// It stays, for a reason that can be shown.
    Keep(&'static str),
}

/// Everything that a record type declares about itself.
#[derive(Clone, Copy, Debug)]
pub struct RecordSpec {
    /// The name stored with every record of the type.
    pub kind: &'static str,
    /// Decides the period.
    pub category: Category,
    /// Whose it is.
    pub owner: Owner,
    /// Name of the kind of key that seals it; `none` if nothing is sealed.
    pub sealed_by: &'static str,
    /// Fields stored as they are.
    pub open: &'static [&'static str],
    /// Their types, as they are declared and in the same order.
    pub open_types: &'static [&'static str],
    /// Fields stored encrypted.
    pub sealed: &'static [&'static str],
    /// The open field from which the period counts.
    pub anchor: &'static str,
    /// Where copies are.
    pub places: &'static [Place],
    /// How it is exported.
    pub export: Export,
    /// What erasure does to it.
    pub erasure: Erasure,
}

impl RecordSpec {
    /// Whether an open field is a point in time, which is stored as a number and printed as a date.
    pub fn is_time(&self, field: &str) -> bool {
        let mut fields = self.open.iter().zip(self.open_types);
        fields.any(|(name, of)| *name == field && of.contains("Timestamp"))
    }
}

/// A stored record could not be read back as its type. Says which field, never what was in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored {kind} is malformed at {field}")]
pub struct Malformed {
    /// The record's kind.
    pub kind: &'static str,
    /// The field that could not be read.
    pub field: &'static str,
}

/// The plain bytes of one sealed field: `(name, JSON)`.
pub type SealedField = (&'static str, Vec<u8>);

/// A type that may be stored. Implemented by the registry's macro alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not in the registry of records and cannot be stored",
    note = "declare it in shared/src/records.rs: category, owner, places, export and erasure"
)]
pub trait Record: closed::Closed + Sized + Send + Sync {
    /// The kind of key that seals it.
    type SealedBy: KeyKind;
    /// What it declares.
    const SPEC: RecordSpec;

    /// The time from which its period counts.
    fn anchor(&self) -> Timestamp;

    /// Its open fields as JSON values; absent options are left out.
    ///
    /// # Errors
    /// [`Malformed`] if a field cannot be written as JSON.
    fn open_fields(&self) -> Result<Map<String, Value>, Malformed>;

    /// Its sealed fields as plain JSON bytes, to be encrypted at once.
    ///
    /// # Errors
    /// [`Malformed`] if a field cannot be written as JSON.
    fn sealed_fields(&self) -> Result<Vec<SealedField>, Malformed>;

    /// Puts a record together again. `unsealed` gives the plain JSON bytes of a sealed field.
    ///
    /// # Errors
    /// [`Malformed`] if a field is missing or of another type.
    fn from_fields(
        open: Map<String, Value>,
        unsealed: &mut dyn FnMut(&'static str) -> Option<Vec<u8>>,
    ) -> Result<Self, Malformed>;
}
