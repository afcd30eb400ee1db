//! What a platform tells of people: who took back what they granted, and who wants their data deleted. Public: believed by
//! their signature, which costs no database.

use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use usher_aws::Platform;
use usher_aws::http::{App, Problem};
use usher_aws::scope::ScopeError;
use usher_carriers::signature::meta::SignedRequest;

use crate::ask::Carriers;
use crate::cut::CutError;
use crate::deauthorized::{cut_off, notice};
use crate::removals::look_for;

/// A platform waits five seconds for its answer. What is not found within this is looked for by the schedule.
const WITHIN: Duration = Duration::from_secs(2);

/// The routes of notices.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/hooks/meta/deauthorize", post(deauthorize))
        .route("/hooks/meta/data-deletion", post(delete_data))
}

impl From<CutError> for Problem {
    fn from(error: CutError) -> Self {
        match error {
            CutError::Keyring(error) => Self::from(error),
            CutError::Scope(error) => Self::from(error),
        }
    }
}

/// What the platform shows the person: exactly this, and nothing else.
#[derive(Serialize)]
struct Taken {
    url: String,
    confirmation_code: String,
}

/// `POST /hooks/meta/deauthorize`: somebody took the app off. Channels that live by what they granted are cut off; and
/// what they wrote as a guest is deleted, for that is what they are promised.
async fn deauthorize(
    State(app): State<App>,
    Extension(carriers): Extension<Carriers>,
    request: Request,
) -> Result<Json<Taken>, Problem> {
    let request = notice(&app, request.into_body()).await?;
    // What they wrote first: of a channel that is cut off nobody finds the tenant any more.
    let taken = take(&app.platform, &carriers, &request).await?;
    cut_off(&app, &carriers, &request).await?;
    Ok(Json(taken))
}

/// `POST /hooks/meta/data-deletion`: somebody asked at the platform for their data to be deleted.
async fn delete_data(
    State(app): State<App>,
    Extension(carriers): Extension<Carriers>,
    request: Request,
) -> Result<Json<Taken>, Problem> {
    let request = notice(&app, request.into_body()).await?;
    Ok(Json(take(&app.platform, &carriers, &request).await?))
}

/// Writes a notice down, and looks for its person if that is quick. Told again, it is answered the same.
async fn take(platform: &Platform, carriers: &Carriers, request: &SignedRequest) -> Result<Taken, Problem> {
    let made_at = request.issued_at.unwrap_or_default();
    let code = platform.removal_code(&request.user_id, made_at).await?;
    let noted = platform.note_removal(&code, &request.user_id).await?;
    match tokio::time::timeout(WITHIN, look_for(platform, carriers, noted)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = %error, "to be looked for by the schedule"),
        Err(_) => tracing::warn!(limit_ms = 2000, "to be looked for by the schedule"),
    }
    let url = platform.status_url(&code).map_err(ScopeError::from)?;
    Ok(Taken {
        url,
        confirmation_code: code,
    })
}
