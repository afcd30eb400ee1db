//! The API for those who work with what came in: conversations and their messages, leads and the AI's
//! audit trail. One file per resource; docs/API.md says what all of them have in common.
//!
//! A handler reaches a tenant's rows only through [`access::Granted`], which names the scope that the
//! caller's key must have.

mod access;
mod ai;
mod assistant;
mod attachments;
mod contacts;
mod conversations;
mod health;
mod improvement;
mod intents;
mod leads;
mod masking;
mod messages;
mod metrics;
mod moves;
mod openapi;
mod paging;
mod people;
mod providers;
mod search;
mod traces;
mod words;

#[cfg(test)]
mod tests;

use axum::Router;
use usher_aws::http::{App, wrap};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All routes of the function.
pub fn router(app: App) -> Router {
    let (routes, _document) = described().split_for_parts();
    wrap(routes, app)
}

/// The description of all routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    openapi::finish(described().into_openapi())
}

/// Routes and their description, from the same declarations.
fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(health::read_health))
        .routes(routes!(openapi::read_document))
        .routes(routes!(conversations::list_conversations))
        .routes(routes!(conversations::read_conversation))
        .routes(routes!(messages::list_messages, messages::send_message))
        .routes(routes!(moves::take_over))
        .routes(routes!(moves::hand_back))
        .routes(routes!(moves::close))
        .routes(routes!(contacts::read_processing, contacts::change_processing))
        .routes(routes!(ai::read_ai, ai::change_ai))
        .routes(routes!(
            improvement::read_improvement,
            improvement::change_improvement
        ))
        .routes(routes!(intents::read_intents, intents::change_intents))
        .routes(routes!(conversations::acknowledge))
        .routes(routes!(traces::list_traces))
        .routes(routes!(leads::list_leads))
        .routes(routes!(leads::read_lead, people::correct_lead))
        .routes(routes!(people::suggest_leads))
        .routes(routes!(people::merge_leads))
        .routes(routes!(people::unmerge_leads))
        .routes(routes!(leads::search_leads))
        .routes(routes!(search::search))
        .routes(routes!(metrics::read_metrics))
        .routes(routes!(masking::read_masking, masking::change_masking))
        .routes(routes!(providers::read_providers))
        .routes(routes!(assistant::read_assistant, assistant::change_assistant))
}
