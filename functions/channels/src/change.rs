//! Changing a channel: its name, its pages, what is set for it, and the credentials of its account.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use usher_aws::http::{Checks, Problem, TextRule, read_at};
use usher_aws::store::Part;
use usher_aws::{Platform, TenantScope};
use usher_shared::channel::{
    ChannelHealth, ChannelKind, ChannelSettings, ChannelState, Connection, MailProvider,
};
use usher_shared::records::Channel;
use utoipa::ToSchema;

use crate::ask::{Bad, Carriers};
use crate::cut::is_last_of_grant;
use crate::request::{Credentials, NAME_CHARACTERS, check_settings, connection, origins};
use crate::words::Settings;

/// What to change of a channel. What is not given stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelChange {
    /// Your own name for it: one line of 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100, example = "Web site")]
    name: Option<String>,
    /// Pages that may embed it, in place of those it has; an empty list means any. For `web_chat` and `form`.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["https://www.example.com"]))]
    allowed_origins: Option<Vec<String>>,
    /// Settings to change; `null` takes one away.
    #[serde(default)]
    #[schema(value_type = Option<Settings>)]
    settings: Option<Map<String, Value>>,
    /// What its carrier demands: all of it, for the same account.
    #[serde(default)]
    credentials: Option<Credentials>,
}

impl fmt::Debug for ChannelChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelChange(..)")
    }
}

/// A change that may be made, as far as its shape says.
struct Checked {
    channel: Channel,
    connection: Option<Connection>,
}

/// Changes a channel and gives it back as it is now. `entry` is written with it, or not at all.
pub(crate) async fn change(
    platform: &Platform,
    carriers: &Carriers,
    scope: &TenantScope,
    before: Channel,
    change: ChannelChange,
    mail_domain: Option<&str>,
    entry: Part,
) -> Result<Channel, Problem> {
    let (id, kind) = (*before.id, *before.kind);
    let disconnected = || {
        let detail = "The channel is disconnected; connect another.";
        Problem::conflict("channel_not_active", detail).about(&id)
    };
    if *before.state == ChannelState::Disconnected {
        return Err(disconnected());
    }
    let Checked {
        mut channel,
        connection,
    } = check(&before, change, mail_domain)?;
    let mut known = scope.channel_connection(id, kind).await?;
    if let Some(given) = connection {
        let earlier = known.ok_or_else(disconnected)?;
        is_same_account(&earlier, &given)?;
        let found = carriers
            .look(kind, given, scope.now())
            .await
            .map_err(|bad| match bad {
                Bad::Field { field, why, .. } => Problem::invalid_field(field, why),
                Bad::Silent => Problem::unavailable(),
            })?;
        if !platform.replace_credentials(scope, id, &found.connection).await? {
            return Err(disconnected());
        }
        take_grant_back(platform, carriers, scope, &channel, &earlier, &found.connection).await?;
        if *channel.state == ChannelState::Broken {
            channel.state = ChannelState::Active.into();
        }
        channel.health = Some(ChannelHealth {
            subscribed: found.health.subscribed.map(|_| true),
            last_inbound: before.health.and_then(|health| health.last_inbound),
            ..found.health
        })
        .into();
        known = Some(found.connection);
    }
    let written = platform
        .rewrite_channel(scope, &before, &channel, known.as_ref(), entry)
        .await?;
    if !written {
        let detail = "The channel was changed at the same moment; read it again.";
        return Err(Problem::conflict("changed_meanwhile", detail).about(&id));
    }
    Ok(channel)
}

/// A grant that no channel lives by any more is taken back. What is subscribed stays: the new credentials are heard by it.
async fn take_grant_back(
    platform: &Platform,
    carriers: &Carriers,
    scope: &TenantScope,
    channel: &Channel,
    earlier: &Connection,
    now: &Connection,
) -> Result<(), Problem> {
    let (id, kind) = (*channel.id, *channel.kind);
    if platform.grant_hash(earlier).await? == platform.grant_hash(now).await? {
        return Ok(());
    }
    let last = is_last_of_grant(platform, id, earlier).await?;
    if last && carriers.revoke(kind, earlier, true, true).await.is_err() {
        tracing::warn!(tenant.id = %scope.tenant(), channel.id = %id, "an earlier grant was not taken back");
    }
    Ok(())
}

fn check(before: &Channel, change: ChannelChange, mail_domain: Option<&str>) -> Result<Checked, Problem> {
    let kind = *before.kind;
    let mut checks = Checks::default();
    let mut channel = before.clone();
    if let Some(name) = change.name {
        let name = checks.text("name", &name, TextRule::Line(NAME_CHARACTERS));
        channel.name = name.into();
    }
    if let Some(given) = change.allowed_origins {
        channel.allowed_origins = origins(&mut checks, kind, &given).into();
    }
    let stored = before.settings.get().clone().unwrap_or_default();
    let provider = stored.mail_provider;
    if let Some(given) = change.settings {
        let settings = merged(&mut checks, kind, &stored, given, mail_domain)?;
        channel.settings = Some(settings).into();
    }
    let connection = change
        .credentials
        .and_then(|given| credentials(&mut checks, kind, provider, given));
    checks.finish()?;
    channel.revision = Some(before.revision.unwrap_or_default() + 1).into();
    Ok(Checked { channel, connection })
}

fn credentials(
    checks: &mut Checks,
    kind: ChannelKind,
    provider: MailProvider,
    given: Credentials,
) -> Option<Connection> {
    let connection = connection(checks, kind, provider, Some(given));
    if connection.is_none() {
        checks.refuse(
            "credentials",
            format!("is not for channels of kind {}", kind.name()),
        );
    }
    connection
}

/// The settings with what was given in their place. What names the place itself stays: another mailbox is another channel.
fn merged(
    checks: &mut Checks,
    kind: ChannelKind,
    stored: &ChannelSettings,
    given: Map<String, Value>,
    mail_domain: Option<&str>,
) -> Result<ChannelSettings, Problem> {
    let mut all = match json!(Settings::from(stored.clone())) {
        Value::Object(all) => all,
        _ => Map::new(),
    };
    for fixed in ["address", "mail_provider"] {
        if given
            .get(fixed)
            .is_some_and(|value| Some(value) != all.get(fixed))
        {
            checks.refuse(
                format!("settings.{fixed}"),
                "cannot be changed; connect another channel",
            );
        }
    }
    // Shown for other kinds too, where it is the carrier's word and no setting.
    let address = all.remove("address");
    if let (ChannelKind::Email, Some(address)) = (kind, address) {
        all.insert("address".to_owned(), address);
    }
    for (field, value) in given {
        if matches!(field.as_str(), "address" | "mail_provider") {
            continue;
        }
        if value.is_null() {
            all.remove(&field);
        } else {
            all.insert(field, value);
        }
    }
    let mut settings: Settings = read_at("settings", Value::Object(all))?;
    check_settings(checks, kind, &mut settings, mail_domain);
    Ok(ChannelSettings {
        address: stored.address.clone(),
        ..settings.into()
    })
}

/// Other credentials, but of the same account: conversations belong to the place where they were had.
fn is_same_account(earlier: &Connection, given: &Connection) -> Result<(), Problem> {
    let other = |field| {
        let why = "is another account's; connect another channel for it";
        Err(Problem::invalid_field(field, why))
    };
    match (earlier, given) {
        (Connection::Meta(earlier), Connection::Meta(given)) if earlier.account != given.account => {
            other("credentials.account_id")
        }
        (Connection::Meta(earlier), Connection::Meta(given))
            if earlier.business_account != given.business_account =>
        {
            other("credentials.business_account_id")
        }
        (Connection::Twilio(earlier), Connection::Twilio(given)) if earlier.number != given.number => {
            other("credentials.number")
        }
        (Connection::Twilio(earlier), Connection::Twilio(given))
            if earlier.account_sid != given.account_sid =>
        {
            other("credentials.account_sid")
        }
        _ => Ok(()),
    }
}
