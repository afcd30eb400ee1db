//! A channel as the API shows it. It has nothing to show of its credentials: it does not read them.

use serde::Serialize;
use usher_aws::channels::hooks;
use usher_aws::http::words::Time;
use usher_shared::channel::{ChannelHealth, ChannelKind as Kind};
use usher_shared::ids::{ChannelId, ChannelKey};
use usher_shared::records::Channel;
use usher_shared::untrusted::Origin;
use utoipa::ToSchema;

use crate::words::{ChannelKind, ChannelState, ChannelTrouble, Settings};

/// One place where people write to the tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Channel)]
pub(crate) struct ChannelView {
    /// Always `channel`.
    #[schema(example = "channel")]
    object: &'static str,
    /// Its id.
    #[schema(value_type = String, example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: ChannelId,
    /// What kind of place.
    kind: ChannelKind,
    /// Whether it takes messages.
    state: ChannelState,
    /// The tenant's own name for it.
    #[schema(example = "Web site")]
    name: String,
    /// The public key by which pages address it. Unguessable, but no secret.
    #[schema(value_type = String, example = "wc_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    key: ChannelKey,
    /// Pages that may embed it; empty means any.
    #[schema(value_type = Vec<String>, example = json!(["https://www.example.com"]))]
    allowed_origins: Vec<Origin>,
    /// Where visitors' messages go. For `web_chat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://api.example.com/chat/wc_01k5p0d3sbqgd2h6x7mzv9e4ra/messages")]
    chat_url: Option<String>,
    /// Where pages post the form, for `form`; where the carrier posts what happens, for other kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://api.example.com/hooks/twilio/wc_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    webhook_url: Option<String>,
    /// What is set for it.
    settings: Settings,
    /// What its last check found.
    health: Health,
    /// When it was connected.
    created_at: Time,
    /// When it was disconnected.
    disconnected_at: Option<Time>,
}

/// What a channel's last check found.
#[derive(Serialize, ToSchema)]
#[schema(as = ChannelHealth)]
struct Health {
    /// When it was last looked at; null for kinds that have nothing to check.
    checked_at: Option<Time>,
    /// When somebody last wrote, to the hour.
    last_inbound_at: Option<Time>,
    /// When its credentials end; null if they do not end by time.
    credentials_end_at: Option<Time>,
    /// Whether the carrier tells us of messages; null where there is no subscription.
    subscribed: Option<bool>,
    /// What is wrong; null if nothing is.
    trouble: Option<ChannelTrouble>,
}

impl From<ChannelHealth> for Health {
    fn from(health: ChannelHealth) -> Self {
        Self {
            checked_at: health.checked_at.map(Time),
            last_inbound_at: health.last_inbound.map(Time),
            credentials_end_at: health.credentials_end.map(Time),
            subscribed: health.subscribed,
            trouble: health.trouble.map(Into::into),
        }
    }
}

impl ChannelView {
    /// Shows a channel of the installation at `base_url`.
    pub(crate) fn new(channel: Channel, base_url: &str) -> Self {
        let hooks = hooks(base_url, &channel);
        let is_chat = *channel.kind == Kind::WebChat;
        let by_mail_of_ours =
            *channel.kind == Kind::Email
                && channel.settings.get().as_ref().is_none_or(|settings| {
                    settings.mail_provider == usher_shared::channel::MailProvider::Ses
                });
        Self {
            object: "channel",
            id: *channel.id,
            kind: (*channel.kind).into(),
            state: (*channel.state).into(),
            key: *channel.key,
            chat_url: is_chat.then(|| format!("{hooks}/messages")),
            webhook_url: (!is_chat && !by_mail_of_ours).then_some(hooks),
            allowed_origins: channel.allowed_origins.0,
            settings: channel.settings.into_inner().unwrap_or_default().into(),
            health: (*channel.health).unwrap_or_default().into(),
            created_at: Time(*channel.created_at),
            disconnected_at: channel.disconnected_at.map(Time),
            name: channel.name.into_inner(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;
    use usher_shared::Timestamp;
    use usher_shared::channel::ChannelState as State;

    #[test]
    fn a_channel_is_shown_with_the_address_for_its_messages() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let key = ChannelKey::derived(at, [2; 10]);
        let channel = Channel {
            id: ChannelId::derived(at, [1; 10]).into(),
            kind: Kind::WebChat.into(),
            state: State::Active.into(),
            created_at: at.into(),
            key: key.into(),
            allowed_origins: vec!["https://www.example.com".parse().unwrap()].into(),
            health: None.into(),
            disconnected_at: None.into(),
            purge_at: None.into(),
            revision: None.into(),
            name: "Web site".to_owned().into(),
            settings: None.into(),
        };
        assert_eq!(
            serde_json::to_value(ChannelView::new(channel, "https://api.example.com")).unwrap(),
            json!({
                "object": "channel",
                "id": ChannelId::derived(at, [1; 10]).to_string(),
                "kind": "web_chat",
                "state": "active",
                "name": "Web site",
                "key": key.to_string(),
                "allowed_origins": ["https://www.example.com"],
                "chat_url": format!("https://api.example.com/chat/{key}/messages"),
                "settings": {},
                "health": {"checked_at": null, "last_inbound_at": null, "credentials_end_at": null,
                    "subscribed": null, "trouble": null},
                "created_at": "2026-09-21T14:13:20.523Z",
                "disconnected_at": null,
            })
        );
    }
}
