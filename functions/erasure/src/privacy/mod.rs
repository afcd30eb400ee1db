//! Requests of privacy: the API of the tenant's own users, the page of those who asked, and the work itself.

mod api;
mod bulk;
mod page;
mod receipt;
mod view;
mod work;

use usher_aws::http::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::work::{
    Look, after_erasure, begun, change, complete, defer, note_removal, stored, work,
};

/// The routes.
pub(crate) fn described() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::create_request, api::list_requests))
        .routes(routes!(api::read_request))
        .routes(routes!(api::cancel_request))
        .routes(routes!(api::deny_request))
        .routes(routes!(api::complete_request))
        .routes(routes!(receipt::read_receipt))
        .routes(routes!(page::read_status))
        .routes(routes!(receipt::read_public_receipt))
        .routes(routes!(receipt::read_receipt_keys))
}
