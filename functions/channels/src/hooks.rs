//! What a platform tells of people: who took back what they granted, and who wants their data deleted. Public: believed by
//! their signature, which costs no database.

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use usher_aws::http::{App, Problem};

use crate::ask::Carriers;
use crate::cut::CutError;
use crate::deauthorized::{cut_off, notice};

/// The routes of notices.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/hooks/meta/deauthorize", post(deauthorize))
}

impl From<CutError> for Problem {
    fn from(error: CutError) -> Self {
        match error {
            CutError::Keyring(error) => Self::from(error),
            CutError::Scope(error) => Self::from(error),
        }
    }
}

/// `POST /hooks/meta/deauthorize`.
async fn deauthorize(
    State(app): State<App>,
    Extension(carriers): Extension<Carriers>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let request = notice(&app, request.into_body()).await?;
    cut_off(&app, &carriers, &request).await?;
    Ok(StatusCode::OK)
}
