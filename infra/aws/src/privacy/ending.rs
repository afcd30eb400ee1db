//! The end of a request, and with it the place that it held.

use serde_json::json;
use usher_shared::ids::ApiKeyId;
use usher_shared::privacy::{RequestEvent, RequestState};
use usher_shared::records::PrivacyRequest;

use super::PrivacyError;
use crate::scope::TenantScope;
use crate::sealing::DataKey;
use crate::store::{Part, When, keys};

/// How a request is ended by people.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Denied, canceled, or completed by those who answered it.
    pub event: RequestEvent,
    /// The API key that did it; none if whoever asked withdraws it.
    pub by: Option<ApiKeyId>,
    /// Why, for whoever asked. Sealed.
    pub reason: Option<String>,
}

impl TenantScope {
    /// Ends a request, together with `also`, or not at all. `None` if this cannot happen to it any more.
    ///
    /// # Errors
    /// [`PrivacyError`].
    pub async fn end_request(
        &self,
        request: &PrivacyRequest,
        ending: &Ending,
        also: Vec<Part>,
    ) -> Result<Option<PrivacyRequest>, PrivacyError> {
        let Some(state) = request.state.after(ending.event, *request.kind) else {
            return Ok(None);
        };
        let now = self.now();
        let ended = PrivacyRequest {
            state: state.into(),
            updated_at: now.into(),
            ended_at: Some(now).into(),
            ended_by: ending.by.into(),
            reason: ending.reason.clone().into(),
            ..request.clone()
        };
        let row = keys::privacy_request(self.tenant(), *request.id);
        let before = RequestState::before(ending.event, *request.kind);
        let before = before.iter().map(|state| json!(state)).collect();
        // The whole row, for its reason is sealed: in these states nobody else writes it.
        let mut parts = vec![
            self.store()
                .putting(&row, &ended, self.key(), When::OneOf("state", before))?,
        ];
        parts.extend(self.leaving_place(request).await?);
        parts.extend(also);
        let happened = self.store().together(parts).await?.happened();
        Ok(happened.then_some(ended))
    }

    /// As parts: a request gives up the place of the one that is open for the same, if it has it.
    ///
    /// # Errors
    /// [`PrivacyError`].
    pub async fn leaving_place(&self, request: &PrivacyRequest) -> Result<Option<Part>, PrivacyError> {
        let row = keys::open_request(self.tenant(), *request.kind, &request.subject);
        let found = self.store().get(&row, &DataKey::none(), true).await?;
        let is_ours = found.is_some_and(|found| found.request == request.id);
        if !is_ours {
            return Ok(None);
        }
        let ours = [When::Is("request", json!(request.id.0))];
        Ok(Some(self.store().deleting(&row, &ours)?))
    }
}
