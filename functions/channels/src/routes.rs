//! The routes of channels: connect, look at, pause, disconnect.

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::{Json, Router};
use usher_aws::TenantScope;
use usher_aws::channels::{NewChannel as NewChannelOf, addresses};
use usher_aws::http::access::permission::{ChannelsDelete, ChannelsRead, ChannelsWrite};
use usher_aws::http::access::{Granted, PathId};
use usher_aws::http::document::{IdempotencyHeader, Invalid, NotFound, NotMade, Refused, base, finish};
use usher_aws::http::words::Deleted;
use usher_aws::http::{
    App, IdempotencyKey, Idempotent, List, ListQuery, Problem, QueryOf, Strict, gone, read_page, wrap,
};
use usher_aws::scope::ScopeError;
use usher_aws::store::{When, keys};
use usher_shared::channel::ChannelHealth;
use usher_shared::ids::ChannelId;
use usher_shared::model::AuditAction;
use usher_shared::records::Channel;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::request::{self, NewChannel};
use crate::view::ChannelView;

/// All routes of the function.
pub fn router(app: App) -> Router {
    let (routes, _document) = described().split_for_parts();
    wrap(routes, app)
}

/// The description of all routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    finish(described().into_openapi())
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(base())
        .routes(routes!(list_channels, create_channel))
        .routes(routes!(read_channel, delete_channel))
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
async fn create_channel(
    State(app): State<App>,
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
            let new = NewChannelOf {
                id,
                kind: checked.kind,
                name: checked.name,
                allowed_origins: checked.allowed_origins,
                settings: checked.settings,
                connection: checked.connection,
                health: ChannelHealth::default(),
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
async fn delete_channel(
    State(app): State<App>,
    granted: Granted<ChannelsDelete>,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<Deleted>, Problem> {
    let scope = granted.scope();
    let channel = stored(scope, id).await?.ok_or_else(Problem::not_found)?;
    let settings = channel.settings.get().clone().unwrap_or_default();
    let connection = scope.channel_connection(id, *channel.kind).await?;
    let found_by = addresses(*channel.kind, *channel.key, &settings, connection.as_ref());
    app.platform.forget_addresses(id, &found_by).await?;
    app.platform.forget_credentials(scope, id).await?;
    // The row goes last: while it is there, a repeated request finishes what this one began.
    let row = keys::channel(scope.tenant(), id);
    let removal = scope.store().deleting(&row, &[When::Present])?;
    let entry = granted.audit(AuditAction::ChannelDeleted, &id)?;
    let _by_another_request = scope.store().together(vec![removal, entry]).await?;
    Ok(Json(Deleted::new("channel", &id)))
}

async fn stored(scope: &TenantScope, id: ChannelId) -> Result<Option<Channel>, Problem> {
    let row = keys::channel(scope.tenant(), id);
    Ok(scope.store().get(&row, scope.key(), true).await?)
}

fn base_url(app: &App) -> Result<String, Problem> {
    let url = app.platform.settings().public_base_url();
    Ok(url.map_err(ScopeError::from)?)
}
