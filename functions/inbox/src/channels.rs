//! Channels: the places where people write to the tenant.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use usher_aws::TenantScope;
use usher_aws::channels::NewChannel as NewChannelOf;
use usher_aws::http::{
    App, IdempotencyKey, Idempotent, List, ListQuery, Problem, QueryOf, Strict, read_page,
};
use usher_aws::scope::ScopeError;
use usher_aws::store::{When, keys};
use usher_carriers::event::To;
use usher_shared::channel as model;
use usher_shared::ids::{ChannelId, ChannelKey};
use usher_shared::model::AuditAction;
use usher_shared::records::Channel;
use usher_shared::untrusted::Origin;
use utoipa::ToSchema;

use crate::access::permission::{ChannelsDelete, ChannelsRead, ChannelsWrite};
use crate::access::{Granted, PathId};
use crate::openapi::{IdempotencyHeader, Invalid, NotFound, NotMade, Refused};
use crate::words::{ChannelKind, ChannelState, Deleted, Time};
use usher_aws::http::{Checks, TextRule};

const NAME_CHARACTERS: usize = 100;
const ORIGINS: usize = 20;

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
    /// Where visitors' messages go.
    #[schema(example = "https://api.example.com/chat/wc_01k5p0d3sbqgd2h6x7mzv9e4ra/messages")]
    chat_url: String,
    /// When it was connected.
    created_at: Time,
}

impl ChannelView {
    fn new(channel: Channel, base_url: &str) -> Self {
        Self {
            object: "channel",
            id: *channel.id,
            kind: (*channel.kind).into(),
            state: (*channel.state).into(),
            key: *channel.key,
            chat_url: format!("{base_url}/chat/{}/messages", *channel.key),
            allowed_origins: channel.allowed_origins.0,
            created_at: Time(*channel.created_at),
            name: channel.name.into_inner(),
        }
    }
}

/// A channel to connect.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewChannel {
    /// What kind of place.
    kind: ChannelKind,
    /// Your own name for it: one line of 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "Web site")]
    name: String,
    /// Pages that may embed it, at most 20 origins such as `https://www.example.com`; none means any.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["https://www.example.com"]))]
    allowed_origins: Vec<String>,
}

/// Lists channels
///
/// Oldest first. Scope: `channels:read`.
#[utoipa::path(
    get,
    path = "/v1/channels",
    tag = "channels",
    params(ListQuery),
    responses(
        (status = 200, description = "One page.", body = List<ChannelView>),
        Refused,
        Invalid,
    )
)]
pub(crate) async fn list_channels(
    State(app): State<App>,
    granted: Granted<ChannelsRead>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<List<ChannelView>>, Problem> {
    let (scope, base_url) = (granted.scope(), base_url(&app)?);
    let mut page = read_page(scope, &keys::channels(scope.tenant()), "channels", &query, false).await?;
    let views = std::mem::take(&mut page.data)
        .into_iter()
        .map(|row| Ok(ChannelView::new(scope.store().open(row, scope.key())?, &base_url)))
        .collect::<Result<_, Problem>>()?;
    Ok(Json(page.with(views)))
}

/// Connects a channel
///
/// It takes messages at once. Scope: `channels:write`.
#[utoipa::path(
    post,
    path = "/v1/channels",
    tag = "channels",
    params(IdempotencyHeader),
    request_body(content = NewChannel, example = json!({
        "kind": "web_chat", "name": "Web site", "allowed_origins": ["https://www.example.com"]
    })),
    responses(
        (status = 201, description = "The channel.", body = ChannelView,
            headers(("Location" = String, description = "The channel."))),
        Refused,
        NotMade,
    )
)]
pub(crate) async fn create_channel(
    State(app): State<App>,
    granted: Granted<ChannelsWrite>,
    idempotency: IdempotencyKey,
    request: Strict<NewChannel>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ChannelView>), Problem> {
    let (name, origins) = checked(&request.value)?;
    let (scope, base_url) = (granted.scope(), base_url(&app)?);
    let fresh = ChannelId::generate(scope.now(), scope.entropy());
    let started = granted
        .begin(&idempotency, "POST /v1/channels", &request.raw, fresh)
        .await?;
    let channel = match started {
        Idempotent::Made(id) => stored(scope, id).await?.ok_or_else(crate::openapi::gone)?,
        Idempotent::Make(id, pending) => {
            let new = NewChannelOf {
                id,
                kind: request.value.kind.into(),
                name,
                allowed_origins: origins,
                settings: model::ChannelSettings::default(),
                connection: None,
                health: model::ChannelHealth::default(),
            };
            let entry = granted.audit(AuditAction::ChannelCreated, &id)?;
            let channel = app.platform.connect_channel(scope, new, vec![entry]).await?;
            pending.complete(scope).await?;
            channel
        }
    };
    let location = format!("/v1/channels/{}", *channel.id);
    let view = ChannelView::new(channel, &base_url);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)))
}

/// Reads a channel
///
/// Scope: `channels:read`.
#[utoipa::path(
    get,
    path = "/v1/channels/{id}",
    tag = "channels",
    params(("id" = String, Path, description = "The channel.", example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The channel.", body = ChannelView),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn read_channel(
    State(app): State<App>,
    granted: Granted<ChannelsRead>,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<ChannelView>, Problem> {
    let channel = stored(granted.scope(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(ChannelView::new(channel, &base_url(&app)?)))
}

/// Removes a channel
///
/// From then on it takes no messages. Conversations that came by it stay. Scope: `channels:delete`.
#[utoipa::path(
    delete,
    path = "/v1/channels/{id}",
    tag = "channels",
    params(("id" = String, Path, description = "The channel.", example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "It is gone.", body = Deleted),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn delete_channel(
    State(app): State<App>,
    granted: Granted<ChannelsDelete>,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<Deleted>, Problem> {
    let scope = granted.scope();
    let channel = stored(scope, id).await?.ok_or_else(Problem::not_found)?;
    app.platform
        .delete_channel_address(&To::key(*channel.key))
        .await?;
    // The row goes last: while it is there, a repeated request finishes what this one began.
    let row = keys::channel(scope.tenant(), id);
    let removal = scope.store().deleting(&row, &[When::Present])?;
    let entry = granted.audit(AuditAction::ChannelDeleted, &id)?;
    let _by_another_request = scope.store().together(vec![removal, entry]).await?;
    Ok(Json(Deleted::new("channel", &id)))
}

fn checked(request: &NewChannel) -> Result<(String, Vec<Origin>), Problem> {
    let mut checks = Checks::default();
    let name = checks.text("name", &request.name, TextRule::Line(NAME_CHARACTERS));
    if request.allowed_origins.len() > ORIGINS {
        checks.refuse("allowed_origins", format!("must have at most {ORIGINS} items"));
    }
    let mut origins = Vec::new();
    for (index, text) in request.allowed_origins.iter().take(ORIGINS).enumerate() {
        match text.parse::<Origin>() {
            Ok(origin) => origins.push(origin),
            Err(why) => checks.refuse(format!("allowed_origins[{index}]"), why.to_string()),
        }
    }
    checks.finish()?;
    Ok((name, origins))
}

async fn stored(scope: &TenantScope, id: ChannelId) -> Result<Option<Channel>, Problem> {
    let row = keys::channel(scope.tenant(), id);
    Ok(scope.store().get(&row, scope.key(), true).await?)
}

fn base_url(app: &App) -> Result<String, Problem> {
    let url = app.platform.settings().public_base_url();
    Ok(url.map_err(ScopeError::from)?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;
    use usher_shared::Timestamp;

    #[test]
    fn a_channel_is_shown_with_the_address_for_its_messages() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let key = ChannelKey::derived(at, [2; 10]);
        let channel = Channel {
            id: ChannelId::derived(at, [1; 10]).into(),
            kind: model::ChannelKind::WebChat.into(),
            state: model::ChannelState::Active.into(),
            created_at: at.into(),
            key: key.into(),
            allowed_origins: vec!["https://www.example.com".parse().unwrap()].into(),
            health: None.into(),
            disconnected_at: None.into(),
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
                "created_at": "2026-09-21T14:13:20.523Z",
            })
        );
    }

    #[test]
    fn all_refusals_of_a_new_channel_come_at_once() {
        let check = |name: &str, origins: &[&str]| {
            let request = NewChannel {
                kind: ChannelKind::WebChat,
                name: name.to_owned(),
                allowed_origins: origins.iter().map(ToString::to_string).collect(),
            };
            checked(&request).map_err(|problem| crate::tests::refused_fields(&problem))
        };
        let origin = "https://www.example.com";
        assert_eq!(check(" Web site ", &[origin]).unwrap().0, "Web site");
        assert!(check("Web site", &[]).is_ok());
        assert!(check("Web site", &[origin; 20]).is_ok());
        let table: [(&str, &[&str], &[&str]); 4] = [
            ("", &[origin], &["name"]),
            (
                "a\nb",
                &["nowhere", origin, "https://a/b"],
                &["name", "allowed_origins[0]", "allowed_origins[2]"],
            ),
            ("a", &[origin; 21], &["allowed_origins"]),
            (&"å".repeat(101), &["null"], &["name", "allowed_origins[0]"]),
        ];
        for (name, origins, fields) in table {
            assert_eq!(check(name, origins).unwrap_err(), fields, "{name}");
        }
    }
}
