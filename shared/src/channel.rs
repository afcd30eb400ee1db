//! What channels are made of: kinds, states, what a tenant sets, and what a carrier demands to know.
//!
//! One kind of channel is one line in [`ChannelKind`], one variant of [`Connection`], and one file in the crate of
//! carriers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::NotPersonal;
use crate::time::Timestamp;

/// What kind of place a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A chat on the tenant's web pages.
    WebChat,
    /// A form on the tenant's web pages.
    Form,
    /// A mailbox.
    Email,
    /// A phone number that takes text messages.
    Sms,
    /// A phone number that takes calls.
    Voice,
    /// A Facebook page: Messenger, and comments under its posts.
    Messenger,
    /// An Instagram account: messages, and comments under its media.
    Instagram,
    /// A WhatsApp number.
    Whatsapp,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::WebChat,
        Self::Form,
        Self::Email,
        Self::Sms,
        Self::Voice,
        Self::Messenger,
        Self::Instagram,
        Self::Whatsapp,
    ];

    /// Its name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebChat => "web_chat",
            Self::Form => "form",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Messenger => "messenger",
            Self::Instagram => "instagram",
            Self::Whatsapp => "whatsapp",
        }
    }

    /// Whether it speaks to Meta's Graph API.
    pub const fn is_meta(self) -> bool {
        matches!(self, Self::Messenger | Self::Instagram | Self::Whatsapp)
    }

    /// Whether people come and fetch what is meant for them: nothing is sent.
    pub const fn is_fetched(self) -> bool {
        matches!(self, Self::WebChat)
    }
}

/// Whether a channel takes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// It does.
    Active,
    /// Its tenant paused it: messages are stored, nothing leaves and no AI answers.
    Paused,
    /// Its credentials do not work any more: messages are stored, nothing leaves until it is connected anew.
    Broken,
    /// It was disconnected: it takes nothing, its credentials are gone.
    Disconnected,
}

/// What is wrong with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelTrouble {
    /// The carrier does not accept the credentials any more.
    CredentialsRefused,
    /// The credentials end soon.
    CredentialsEndSoon,
    /// The carrier lacks a permission that sending or receiving needs.
    PermissionMissing,
    /// The carrier does not tell us of messages any more.
    NotSubscribed,
    /// The carrier says that the account or number may not be used this way.
    Restricted,
}

/// How far a sent message is known to have come, in the order in which it comes there. Carriers tell it out of
/// order: what is known never moves back. The names sort in the same order, so that one condition in the database says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The carrier has it.
    Accepted,
    /// It arrived.
    Delivered,
    /// It was opened.
    Read,
    /// It did not arrive, for good.
    Undelivered,
}

/// Why a message was not sent or did not arrive: a clear reason, whatever the carrier calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The person asked for no more messages.
    OptedOut,
    /// The processing of what the person writes is restricted: nothing is sent.
    Restricted,
    /// Too much time has passed since the person wrote: the carrier takes no free text any more.
    WindowClosed,
    /// The address does not exist or takes no messages.
    Unreachable,
    /// The carrier or the person's provider blocked it.
    Blocked,
    /// It is longer than the channel takes.
    TooLong,
    /// The channel's credentials are refused.
    CredentialsRefused,
    /// The channel's account lacks what this message needs: a permission, a region, a registration.
    NotAllowed,
    /// There is no address to send to, or the channel only receives.
    NoAddress,
    /// The channel is paused, broken or disconnected.
    ChannelClosed,
    /// The carrier refused it for another reason.
    Refused,
    /// Deliveries gave up.
    GaveUp,
}

/// What an attachment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A picture.
    Image,
    /// A sound, a voice message, or the recording of a call.
    Audio,
    /// A film.
    Video,
    /// A document.
    Document,
    /// Anything else.
    Other,
}

/// Where an attachment is on its way: `pending -> stored | refused`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentState {
    /// Known, not fetched yet.
    Pending,
    /// Stored, encrypted.
    Stored,
    /// Not stored, for a reason.
    Refused,
}

/// Why an attachment was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentRefusal {
    /// Larger than is taken.
    TooLarge,
    /// It has another size than it claims to have.
    SizeMismatch,
    /// It is not what it claims to be.
    TypeMismatch,
    /// A type that is not taken.
    TypeRefused,
    /// Its digest is not the one that the carrier told.
    DigestMismatch,
    /// Its address is none that may be fetched.
    AddressRefused,
    /// The carrier does not have it any more.
    Gone,
    /// It could not be fetched.
    Unavailable,
    /// The carrier gives no way to fetch it, or forbids keeping it.
    NotOffered,
}

/// What comments under a channel's posts get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentReplies {
    /// They become conversations that a person answers; the AI is silent.
    #[default]
    Off,
    /// An answer under the comment, for everybody to read.
    Public,
    /// One private message to whoever commented.
    Private,
}

/// Who takes a channel's mail to the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailProvider {
    /// Amazon SES, in the installation's own account.
    #[default]
    Ses,
    /// Resend, under the tenant's own key.
    Resend,
}

/// What a tenant sets for a channel. Nothing of it is a secret. Sealed under the tenant's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelSettings {
    /// The address as people know it: a number in E.164, a mailbox, a page's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What comments get: Messenger and Instagram.
    pub comment_replies: CommentReplies,
    /// The approved template that opens a conversation again when free text is not taken any more: WhatsApp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopening_template: Option<MessageTemplate>,
    /// What HELP is answered with: SMS. Names the business and how to reach it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help_text: Option<String>,
    /// The address that the carrier was given for its webhooks, without a query, if it is not ours: a gateway stands in
    /// between, and signatures are made over what the carrier sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_url: Option<String>,
    /// What a caller hears before the recording; it has to announce it. Voice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// The link that a caller may ask for, which is sent by SMS. Voice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Where a form sends its visitor afterwards. Form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thank_you_url: Option<String>,
    /// The channel that answers leave by where this one cannot answer: a form's mailbox or number, a call's SMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers_by: Option<crate::ids::ChannelId>,
    /// Name beside the address in mail. Email.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    /// Who takes the mail. Email.
    pub mail_provider: MailProvider,
    /// Addresses whose mail is a form's: the person is in Reply-To or in the text. Email.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub form_relays: Vec<String>,
}

/// A template that WhatsApp approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageTemplate {
    /// Its name.
    pub name: String,
    /// Its language, such as `en_US`.
    pub language: String,
}

/// What a carrier demands to know: account and secrets. Sealed under a key of the channel's own, which is deleted
/// when the channel is disconnected.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "carrier", rename_all = "snake_case")]
pub enum Connection {
    /// A page, an Instagram account or a WhatsApp number. These fields and no more are kept of a Meta channel.
    Meta(MetaConnection),
    /// An account at Twilio.
    Twilio(TwilioConnection),
    /// A key at Resend.
    Resend(ResendConnection),
}

/// A channel at Meta.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaConnection {
    /// Id of the page, of the Instagram account, or of the WhatsApp phone number.
    pub account: String,
    /// Id of the WhatsApp business account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_account: Option<String>,
    /// The long-lived token.
    pub token: String,
    /// Permissions that were granted.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// App-scoped id of the person who granted them: one grant may carry several channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<String>,
    /// Whether it was granted by Instagram's own login, whose API has another host.
    #[serde(default)]
    pub instagram_login: bool,
}

/// A channel at Twilio.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwilioConnection {
    /// The account (`AC…`) that owns the number.
    pub account_sid: String,
    /// Its auth token: signs webhooks, and authenticates calls where there is no API key.
    pub auth_token: String,
    /// An API key (`SK…`) and its secret: authenticates calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<(String, String)>,
    /// The number to send from, in E.164.
    pub number: String,
    /// The Messaging Service (`MG…`) to send by, in place of the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_service: Option<String>,
}

/// A mailbox whose mail Resend takes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResendConnection {
    /// The API key.
    pub api_key: String,
    /// The secret that signs its webhooks (`whsec_…`).
    pub webhook_secret: String,
}

/// What a channel's last check found. Open: says nothing of anybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelHealth {
    /// When it was last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// When somebody last wrote, to the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_inbound: Option<Timestamp>,
    /// When the credentials end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_end: Option<Timestamp>,
    /// Whether the carrier tells us of messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribed: Option<bool>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<ChannelTrouble>,
}

macro_rules! redacted {
    ($($type:ident),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    )*};
}
redacted!(Connection, MetaConnection, TwilioConnection, ResendConnection);

macro_rules! not_personal {
    ($($type:ty),* $(,)?) => { $(impl NotPersonal for $type {})* };
}
not_personal!(
    ChannelKind,
    ChannelState,
    ChannelTrouble,
    ChannelHealth,
    Delivery,
    Failure,
    AttachmentKind,
    AttachmentState,
    AttachmentRefusal,
);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_of_deliveries_sort_as_deliveries_do() {
        let all = [
            Delivery::Accepted,
            Delivery::Delivered,
            Delivery::Read,
            Delivery::Undelivered,
        ];
        let names = all.map(|delivery| serde_json::to_string(&delivery).unwrap());
        assert!(all.is_sorted() && names.is_sorted(), "{names:?}");
    }

    #[test]
    fn a_kinds_name_is_its_name_in_json() {
        for kind in ChannelKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
