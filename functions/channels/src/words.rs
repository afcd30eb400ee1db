//! The words and shapes of channels in the API.

use serde::{Deserialize, Serialize};
use usher_shared::channel as model;
use utoipa::ToSchema;

usher_aws::words! {
    /// What kind of place a channel is.
    ChannelKind { WebChat, Form, Email, Sms, Voice, Messenger, Instagram, Whatsapp, }
    /// Whether a channel takes messages: it does; it was paused; its credentials do not work any more; it was disconnected.
    ChannelState { Active, Paused, Broken, Disconnected, }
    /// What is wrong with a channel.
    ChannelTrouble { CredentialsRefused, CredentialsEndSoon, PermissionMissing, NotSubscribed, Restricted, }
    /// What comments get: a conversation that a person answers; an answer under the comment; one private message.
    CommentReplies { Off, Public, Private, }
    /// Who takes the mail.
    MailProvider { Ses, Resend, }
}

/// What is set for a channel. Which fields there are depends on its kind; others are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChannelSettings)]
pub(crate) struct Settings {
    /// The mailbox. For `email`, where it is required. Shown for channels at other carriers: the number, or the name of
    /// the page or account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "hello@venue.mail.example.com")]
    pub(crate) address: Option<String>,
    /// For `messenger` and `instagram`; `off` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment_replies: Option<CommentReplies>,
    /// The approved template that opens a conversation again when free text is not taken any more. For `whatsapp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reopening_template: Option<Template>,
    /// What HELP is answered with: who you are, and how to reach you. For `sms`. At most 320 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) help_text: Option<String>,
    /// The address that the carrier was given for its webhooks, if it is not the channel's `webhook_url`: a gateway of
    /// yours stands in between. For `sms` and `voice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://hooks.example.com/twilio")]
    pub(crate) signed_url: Option<String>,
    /// What a caller hears before the recording; it has to announce it. For `voice`. At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) greeting: Option<String>,
    /// The link that a caller may ask for, which is sent by SMS. For `voice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://www.example.com/book")]
    pub(crate) link: Option<String>,
    /// Where a form sends its visitor afterwards. For `form`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://www.example.com/thank-you")]
    pub(crate) thank_you_url: Option<String>,
    /// The channel that answers leave by: a form's mailbox or number, a call's SMS. For `form` and `voice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    pub(crate) answers_by: Option<usher_shared::ids::ChannelId>,
    /// Name beside the address in mail. For `email`. One line of at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "The Old Barn")]
    pub(crate) sender_name: Option<String>,
    /// Who takes the mail. For `email`; `ses` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mail_provider: Option<MailProvider>,
    /// Addresses whose mail is a form's: the person is in Reply-To or in the text. For `email`. At most 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) form_relays: Option<Vec<String>>,
}

/// A template that WhatsApp approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MessageTemplate)]
pub(crate) struct Template {
    /// Its name.
    #[schema(example = "we_have_an_answer")]
    pub(crate) name: String,
    /// Its language.
    #[schema(example = "en_US")]
    pub(crate) language: String,
}

impl From<model::ChannelSettings> for Settings {
    fn from(stored: model::ChannelSettings) -> Self {
        let comments = stored.comment_replies;
        Self {
            address: stored.address,
            comment_replies: (comments != model::CommentReplies::Off).then(|| comments.into()),
            reopening_template: stored.reopening_template.map(|template| Template {
                name: template.name,
                language: template.language,
            }),
            help_text: stored.help_text,
            signed_url: stored.signed_url,
            greeting: stored.greeting,
            link: stored.link,
            thank_you_url: stored.thank_you_url,
            answers_by: stored.answers_by,
            sender_name: stored.sender_name,
            mail_provider: (stored.mail_provider != model::MailProvider::Ses)
                .then(|| stored.mail_provider.into()),
            form_relays: (!stored.form_relays.is_empty()).then_some(stored.form_relays),
        }
    }
}

impl From<Settings> for model::ChannelSettings {
    fn from(given: Settings) -> Self {
        Self {
            address: given.address,
            comment_replies: given.comment_replies.map(Into::into).unwrap_or_default(),
            reopening_template: given.reopening_template.map(|template| model::MessageTemplate {
                name: template.name,
                language: template.language,
            }),
            help_text: given.help_text,
            signed_url: given.signed_url,
            greeting: given.greeting,
            link: given.link,
            thank_you_url: given.thank_you_url,
            answers_by: given.answers_by,
            sender_name: given.sender_name,
            mail_provider: given.mail_provider.map(Into::into).unwrap_or_default(),
            form_relays: given.form_relays.unwrap_or_default(),
        }
    }
}
