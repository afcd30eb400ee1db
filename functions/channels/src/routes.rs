//! The routes of channels: connect, look at, pause, disconnect.

use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use usher_aws::TenantScope;
use usher_aws::channels::{ConnectError, NewChannel as NewChannelOf};
use usher_aws::clock::wall_now;
use usher_aws::deadline::Deadline;
use usher_aws::http::access::permission::{ChannelsDelete, ChannelsRead, ChannelsWrite};
use usher_aws::http::access::{Granted, PathId};
use usher_aws::http::document::{IdempotencyHeader, Invalid, NotFound, NotMade, Refused, base, finish};
use usher_aws::http::words::Time;
use usher_aws::http::{
    App, IdempotencyKey, Idempotent, List, ListQuery, Problem, ProblemBody, QueryOf, Strict, gone, read_page,
    wrap,
};
use usher_aws::scope::ScopeError;
use usher_aws::store::keys;
use usher_shared::channel::{ChannelHealth, ChannelState};
use usher_shared::ids::ChannelId;
use usher_shared::model::AuditAction;
use usher_shared::records::Channel;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Channels;
use crate::ask::{Bad, Carriers};
use crate::change::ChannelChange;
use crate::cut;
use crate::request::{self, Checked, NewChannel};
use crate::view::ChannelView;
use crate::{change, hooks, import, purge};

/// What was asked to be purged later is erased after this long.
pub(crate) const PURGE_AFTER: Duration = Duration::from_hours(30 * 24);
/// A request writes erasures down for this long; the schedule goes on.
const PURGE_WITHIN: Duration = Duration::from_secs(8);

/// All routes of the function.
pub fn router(channels: Channels) -> Router {
    let (routes, _document) = described().split_for_parts();
    let routes = routes.merge(hooks::routes());
    wrap(routes.layer(Extension(channels.carriers)), channels.app)
}

/// The description of all routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    finish(described().into_openapi())
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(base())
        .routes(routes!(list_channels, create_channel))
        .routes(routes!(read_channel, change_channel, disconnect_channel))
        .routes(routes!(preview_disconnect))
        .routes(routes!(pause_channel))
        .routes(routes!(resume_channel))
        .routes(routes!(import::import_list))
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
async fn list_channels(
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
/// Its credentials are tried at the carrier first, which is asked to tell us of messages. It takes messages at once. If
/// the carrier does not answer, nothing is connected: 503. Scope: `channels:write`.
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
async fn create_channel(
    State(app): State<App>,
    Extension(carriers): Extension<Carriers>,
    granted: Granted<ChannelsWrite>,
    idempotency: IdempotencyKey,
    request: Strict<NewChannel>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ChannelView>), Problem> {
    let mail_domain = app.platform.settings().mail_domain();
    let checked = request::check(request.value, mail_domain.as_deref())?;
    let (scope, base_url) = (granted.scope(), base_url(&app)?);
    let fresh = ChannelId::generate(scope.now(), scope.entropy());
    let started = granted
        .begin(&idempotency, "POST /v1/channels", &request.raw, fresh)
        .await?;
    let channel = match started {
        Idempotent::Made(id) => stored(scope, id).await?.ok_or_else(gone)?,
        Idempotent::Make(id, pending) => {
            let entry = granted.audit(AuditAction::ChannelCreated, &id)?;
            // What was refused before anything was made may be asked again at once. What only failed half-way goes on
            // under the same id.
            let new = match tried(&carriers, scope, id, checked).await {
                Ok(new) => new,
                Err(problem) => {
                    pending.abandon(scope).await?;
                    return Err(problem);
                }
            };
            let made = app.platform.connect_channel(scope, new, vec![entry]).await;
            if let Err(ConnectError::Taken) = &made {
                pending.abandon(scope).await?;
                return Err(ConnectError::Taken.into());
            }
            let channel = made?;
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
async fn read_channel(
    State(app): State<App>,
    granted: Granted<ChannelsRead>,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<ChannelView>, Problem> {
    let channel = stored(granted.scope(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(ChannelView::new(channel, &base_url(&app)?)))
}

/// Changes a channel
///
/// What is not given stays; `null` takes a setting away. Other credentials must be of the same account, and are tried at
/// the carrier first; a channel that was broken works again with them. The kind, a mailbox's address and its provider
/// cannot be changed. Scope: `channels:write`.
#[utoipa::path(
    patch,
    path = "/v1/channels/{id}",
    tag = "channels",
    params(("id" = String, Path, description = "The channel.", example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    request_body(content = ChannelChange, example = json!({"name": "Web site, English", "settings": {}})),
    responses(
        (status = 200, description = "The channel.", body = ChannelView),
        (status = 409, description = "It was disconnected (`channel_not_active`), or changed by somebody else at the same \
            moment (`changed_meanwhile`).", body = ProblemBody, content_type = "application/problem+json"),
        Refused,
        NotFound,
        Invalid,
    )
)]
async fn change_channel(
    State(app): State<App>,
    Extension(carriers): Extension<Carriers>,
    granted: Granted<ChannelsWrite>,
    PathId(id): PathId<ChannelId>,
    request: Strict<ChannelChange>,
) -> Result<Json<ChannelView>, Problem> {
    let scope = granted.scope();
    let channel = stored(scope, id).await?.ok_or_else(Problem::not_found)?;
    let mail_domain = app.platform.settings().mail_domain();
    let entry = granted.audit(AuditAction::ChannelChanged, &id)?;
    let changed = change::change(
        &app.platform,
        &carriers,
        scope,
        channel,
        request.value,
        mail_domain.as_deref(),
        entry,
    )
    .await?;
    Ok(Json(ChannelView::new(changed, &base_url(&app)?)))
}

/// Pauses a channel
///
/// What people write is still stored; no AI answers, and nothing leaves, until it is resumed. Asked again it answers the
/// same. Scope: `channels:write`.
#[utoipa::path(
    post,
    path = "/v1/channels/{id}/pause",
    tag = "channels",
    params(("id" = String, Path, description = "The channel.", example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The channel.", body = ChannelView),
        (status = 409, description = "It is broken or disconnected (`channel_not_active`).", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        NotFound,
    )
)]
async fn pause_channel(
    State(app): State<App>,
    granted: Granted<ChannelsWrite>,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<ChannelView>, Problem> {
    set_paused(&app, granted.scope(), id, true).await
}

/// Resumes a channel
///
/// It answers and sends again from now on; what waited is left to people. Asked again it answers the same. Scope:
/// `channels:write`.
#[utoipa::path(
    post,
    path = "/v1/channels/{id}/resume",
    tag = "channels",
    params(("id" = String, Path, description = "The channel.", example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The channel.", body = ChannelView),
        (status = 409, description = "It is broken or disconnected (`channel_not_active`).", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        NotFound,
    )
)]
async fn resume_channel(
    State(app): State<App>,
    granted: Granted<ChannelsWrite>,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<ChannelView>, Problem> {
    set_paused(&app, granted.scope(), id, false).await
}

async fn set_paused(
    app: &App,
    scope: &TenantScope,
    id: ChannelId,
    paused: bool,
) -> Result<Json<ChannelView>, Problem> {
    let channel = stored(scope, id).await?.ok_or_else(Problem::not_found)?;
    if !matches!(*channel.state, ChannelState::Active | ChannelState::Paused) {
        let detail = "The channel is broken or disconnected; state says which.";
        return Err(Problem::conflict("channel_not_active", detail).about(&id));
    }
    let connection = scope.channel_connection(id, *channel.kind).await?;
    let _was_so_already = app
        .platform
        .pause_channel(scope, &channel, connection.as_ref(), paused)
        .await?;
    let channel = stored(scope, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(ChannelView::new(channel, &base_url(app)?)))
}

/// What disconnecting a channel would concern.
#[derive(Serialize, ToSchema)]
struct DisconnectPreview {
    /// Always `disconnect_preview`.
    object: &'static str,
    /// The channel.
    #[schema(value_type = String, example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    channel_id: ChannelId,
    /// Conversations that came by it.
    conversations: usize,
    /// People who wrote on it.
    people: usize,
    /// Those of them who are known as leads.
    leads: usize,
    /// False if there are more than were counted.
    complete: bool,
}

/// Counts what a channel brought
///
/// What would be purged with it. Counts are of now; ten thousand of your conversations are looked at. Scope: `channels:delete`.
#[utoipa::path(
    get,
    path = "/v1/channels/{id}/disconnect-preview",
    tag = "channels",
    params(("id" = String, Path, description = "The channel.", example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses((status = 200, description = "The counts.", body = DisconnectPreview), Refused, NotFound)
)]
async fn preview_disconnect(
    granted: Granted<ChannelsDelete>,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<DisconnectPreview>, Problem> {
    let scope = granted.scope();
    stored(scope, id).await?.ok_or_else(Problem::not_found)?;
    let written = purge::find(scope, id, Some(purge::COUNTED)).await?;
    Ok(Json(DisconnectPreview {
        object: "disconnect_preview",
        channel_id: id,
        conversations: written.conversations(),
        people: written.people.len(),
        leads: purge::leads(scope, &written).await?,
        complete: written.complete,
    }))
}

/// What becomes of the conversations, leads and audit trails that came by a channel.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Conversations {
    /// They stay, as long as their periods say.
    #[default]
    Keep,
    /// They are erased in thirty days.
    PurgeIn30Days,
    /// They are erased now.
    PurgeNow,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Disconnect {
    /// What becomes of what came by it: `keep`, `purge_in30_days`, `purge_now`.
    #[serde(default)]
    #[param(inline)]
    conversations: Conversations,
}

/// A channel that was disconnected.
#[derive(Serialize, ToSchema)]
struct Disconnected {
    /// Always `channel`.
    object: &'static str,
    /// The channel.
    #[schema(value_type = String, example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: ChannelId,
    /// Always true: nothing reaches it and nothing leaves by it, and its credentials are gone from here.
    deleted: bool,
    /// Whether the platform has taken the credentials back. If it is down, it is told again until it has; here they
    /// are gone in any case.
    revoked: bool,
    /// When everything that came by it is erased; null if it stays as long as its periods say.
    purge_at: Option<Time>,
}

/// Disconnects a channel
///
/// Within the request: it takes no messages, its credentials are deleted here and taken back at the platform. The
/// person's whole grant is taken back only if no other channel lives by it. The channel is shown as `disconnected` until
/// what came by it is purged. Asked again it answers the same, and may purge later or sooner. Scope: `channels:delete`.
#[utoipa::path(
    delete,
    path = "/v1/channels/{id}",
    tag = "channels",
    params(
        ("id" = String, Path, description = "The channel.", example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra"),
        Disconnect,
    ),
    responses(
        (status = 200, description = "It is disconnected.", body = Disconnected),
        Refused,
        NotFound,
        Invalid,
    )
)]
async fn disconnect_channel(
    State(app): State<App>,
    Extension(carriers): Extension<Carriers>,
    granted: Granted<ChannelsDelete>,
    PathId(id): PathId<ChannelId>,
    QueryOf(asked): QueryOf<Disconnect>,
) -> Result<Json<Disconnected>, Problem> {
    let scope = granted.scope();
    let channel = stored(scope, id).await?.ok_or_else(Problem::not_found)?;
    let purge_at = match asked.conversations {
        Conversations::Keep => None,
        Conversations::PurgeIn30Days => Some(scope.now().plus(PURGE_AFTER)),
        Conversations::PurgeNow => Some(scope.now()),
    };
    let entry = granted.audit(AuditAction::ChannelDeleted, &id)?;
    let revoked = cut::cut(&app.platform, &carriers, scope, &channel, purge_at, vec![entry]).await?;
    if matches!(asked.conversations, Conversations::PurgeNow) {
        // What this does not get to, the schedule does.
        let _the_rest_by_schedule = purge::purge(scope, &channel, within_the_request()).await?;
    }
    Ok(Json(Disconnected {
        object: "channel",
        id,
        deleted: true,
        revoked,
        purge_at: purge_at.map(Time),
    }))
}

/// The time that a request spends on writing erasures down.
fn within_the_request() -> Deadline {
    let end = wall_now().plus(PURGE_WITHIN);
    Deadline::from_millis(u64::try_from(end.millis()).unwrap_or_default())
}

/// Tries the credentials of a new channel, and says which are to blame.
async fn tried(
    carriers: &Carriers,
    scope: &TenantScope,
    id: ChannelId,
    checked: Checked,
) -> Result<NewChannelOf, Problem> {
    let mut new = NewChannelOf {
        id,
        kind: checked.kind,
        name: checked.name,
        allowed_origins: checked.allowed_origins,
        settings: checked.settings,
        connection: None,
        health: ChannelHealth::default(),
    };
    let Some(connection) = checked.connection else {
        return Ok(new);
    };
    let found = carriers
        .look(checked.kind, connection, scope.now())
        .await
        .map_err(|bad| match bad {
            Bad::Field { field, why, .. } => Problem::invalid_field(field, why),
            Bad::Silent => Problem::unavailable(),
        })?;
    if new.settings.address.is_none() {
        new.settings.address = found.name;
    }
    new.connection = Some(found.connection);
    new.health = ChannelHealth {
        subscribed: found.health.subscribed.map(|_| true),
        ..found.health
    };
    Ok(new)
}

async fn stored(scope: &TenantScope, id: ChannelId) -> Result<Option<Channel>, Problem> {
    let row = keys::channel(scope.tenant(), id);
    Ok(scope.store().get(&row, scope.key(), true).await?)
}

fn base_url(app: &App) -> Result<String, Problem> {
    let url = app.platform.settings().public_base_url();
    Ok(url.map_err(ScopeError::from)?)
}
