//! What became of a platform's notice about a person: one code, and a request at each business that they wrote to.

use usher_aws::http::words::Time;
use usher_aws::http::{App, Problem};
use usher_aws::scope::ScopeError;
use usher_shared::privacy::RequestKind;
use usher_shared::records::AppRemoval;

use super::{StatusView, status_of, unknown};

/// What is shown of a notice.
pub(super) async fn status(app: &App, noted: &AppRemoval) -> Result<StatusView, Problem> {
    let shown = |state, summary: &str, what_next: Option<&str>| StatusView {
        state,
        kind: Some(RequestKind::Deletion.name()),
        summary: summary.to_owned(),
        what_next: what_next.map(str::to_owned),
        ..unknown()
    };
    let Some(looked_at) = *noted.looked_at else {
        return Ok(shown(
            "pending",
            "The request was received. The businesses that you wrote to are being looked for.",
            None,
        ));
    };
    let base = app.platform.settings().public_base_url();
    let base = base.map_err(|_| Problem::internal())?;
    let mut found = Vec::new();
    for (tenant, id) in noted.tenants.iter().zip(noted.requests.iter()) {
        let scope = match app.platform.enter(*tenant).await {
            Err(ScopeError::UnknownTenant) => continue,
            scope => scope?,
        };
        let Some(request) = scope.privacy_request(*id).await? else {
            continue;
        };
        let first = match *request.duplicate_of {
            Some(first) => scope.privacy_request(first).await?,
            None => None,
        };
        let receipt = format!("{base}/privacy/status/{}/receipt", scope.privacy_code(*id));
        let business = scope.business_name();
        let view = status_of(&request, first.as_ref(), business, scope.now(), receipt);
        let over = first.as_ref().unwrap_or(&request).state.is_over();
        found.push((over, view));
    }
    if found.is_empty() {
        return Ok(StatusView {
            about: Some("nobody"),
            ended_at: Some(Time(looked_at)),
            ..shown(
                "complete",
                "Nothing was found that belongs to your account at the platform. Nothing was erased, because no business \
                 here knows that account.",
                Some(
                    "A platform does not always tell under which name you wrote. Ask on the very channel that you wrote \
                     on, by sending \u{201c}delete my data\u{201d} there: that always finds you. Or ask the business by \
                     mail, with the name, address or number that you used.",
                ),
            )
        });
    }
    // The one that is furthest from its end speaks for all; each is named.
    let every: Vec<String> = found.iter().map(|(_, view)| named(view)).collect();
    let count = found.len();
    let slowest = found.iter().position(|(over, _)| !over).unwrap_or_default();
    let (_, view) = found.swap_remove(slowest);
    if count == 1 {
        return Ok(view);
    }
    Ok(StatusView {
        business: None,
        summary: format!("You wrote to {count} businesses. {}", every.join(" ")),
        // Each has a receipt of its own, with a code of its own.
        receipt_url: None,
        counts: None,
        ..view
    })
}

fn named(view: &StatusView) -> String {
    let business = view.business.as_deref().unwrap_or("A business");
    format!("{business}: {}", view.summary)
}
