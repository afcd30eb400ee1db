//! Telling somebody how their request ended (promise DEL-10): on the channel on which they asked, though nothing of
//! theirs may be left there. Their address is sealed beside the request until then, and goes with what is told.

use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::deadline::Deadline;
use usher_aws::scope::ScopeError;
use usher_aws::store::{StoreError, When, Written, keys};
use usher_aws::suppressions::Means;
use usher_carriers::call::{Outcome, Outgoing};
use usher_shared::channel::Failure;
use usher_shared::ids::ChannelId;
use usher_shared::privacy::{ReplyTo, RequestKind, RequestState, RequestSubject};
use usher_shared::records::{PrivacyReply, PrivacyRequest, TellJob};
use usher_shared::rights::{Ended, Language, ended};

use crate::Courier;
use crate::delivery::{CALL, DeliveryError};

/// Tells it, once.
pub(crate) async fn tell(courier: &Courier, job: &TellJob, deadline: Deadline) -> Result<(), DeliveryError> {
    let scope = match courier.platform.enter(*job.tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok(()),
        scope => scope?,
    };
    let Some(request) = scope.privacy_request(*job.request).await? else {
        return Ok(());
    };
    let row = keys::privacy_reply(scope.tenant(), *job.request);
    let reply: Option<PrivacyReply> = scope.store().get(&row, scope.key(), true).await?;
    let Some(reply) = reply.filter(|_| request.state.is_over()) else {
        return Ok(());
    };
    let telling = Telling {
        courier,
        scope: &scope,
        request: &request,
        to: reply.to.get(),
    };
    let outcome = match (how(&request), telling.to.channel) {
        (Some(how), Some(channel)) => telling.send(how, channel, deadline).await?,
        // Whoever asked twice is told once.
        (None, _) => Outcome::Taken { id: String::new() },
        (Some(_), None) => Outcome::refused(Failure::NoAddress),
    };
    let (name, told) = match outcome {
        Outcome::NotNow { .. } => return Err(DeliveryError::NotNow),
        Outcome::Taken { .. } => ("taken", true),
        Outcome::Unknown => ("unknown", true),
        Outcome::Refused { .. } => ("refused", false),
    };
    if !told {
        // The page says it all the same.
        let _never_was = telling.claim(json!(null), When::Present).await?;
    }
    // Nobody needs the address any more.
    scope.store().delete(&row).await?;
    tracing::info!(
        tenant.id = %scope.tenant(),
        privacy_request.id = %*job.request,
        telling = name,
        "told how a request ended"
    );
    Ok(())
}

/// How a request ended, as its person is told; nothing for one that another one stands for.
fn how(request: &PrivacyRequest) -> Option<Ended<'_>> {
    Some(match *request.state {
        RequestState::Denied => Ended::Denied(request.reason.get().as_deref()),
        RequestState::Canceled => Ended::Canceled,
        RequestState::Complete if *request.subject == RequestSubject::Nobody => Ended::Nobody,
        RequestState::Complete => match *request.kind {
            RequestKind::Deletion => Ended::Deleted,
            RequestKind::Restriction => Ended::Restricted,
            RequestKind::Objection => Ended::WithoutAi,
            RequestKind::Access | RequestKind::Portability | RequestKind::Correction => Ended::Answered,
        },
        _ => return None,
    })
}

struct Telling<'a> {
    courier: &'a Courier,
    scope: &'a TenantScope,
    request: &'a PrivacyRequest,
    to: &'a ReplyTo,
}

impl Telling<'_> {
    async fn send(
        &self,
        how: Ended<'_>,
        channel: ChannelId,
        deadline: Deadline,
    ) -> Result<Outcome, DeliveryError> {
        let platform = &self.courier.platform;
        let Some(channel) = platform.live_channel(self.scope, channel).await? else {
            return Ok(Outcome::refused(Failure::ChannelClosed));
        };
        let kind = *channel.channel.kind;
        if !channel.may_send() {
            return Ok(Outcome::refused(Failure::ChannelClosed));
        }
        if let Some(means) = Means::of(kind)
            && self.scope.is_suppressed(means, &self.to.address).await?
        {
            return Ok(Outcome::refused(Failure::OptedOut));
        }
        let language = Language::of_tag(self.to.language.as_deref());
        let text = ended(how, language, self.scope.business_name());
        let reference = self.request.id.to_string();
        let outgoing = Outgoing {
            reference: &reference,
            to: &self.to.address,
            text: &text,
            by_human: false,
            last_inbound: Some(self.request.confirmed_at.unwrap_or(*self.request.created_at)),
            now: self.scope.now(),
            comment: None,
            mail: None,
            answers: None,
            token: None,
        };
        let (settings, endpoints) = (channel.settings(), platform.carriers()?);
        let sender = self.courier.carriers.by(kind, &settings);
        let prepared = match sender.prepare(&channel.account(&settings, &endpoints), &outgoing) {
            Ok(prepared) => prepared,
            Err(outcome) => return Ok(outcome),
        };
        // Before it leaves: whoever dies in between has perhaps told it, and it is not told twice.
        let now = json!(self.scope.now());
        let claimed = self.claim(now, When::Missing("told_at")).await?.happened();
        if !claimed && !sender.repetition_is_harmless() {
            return Ok(Outcome::Unknown);
        }
        let outcome = sender.send(prepared, deadline.remaining().min(CALL)).await;
        if matches!(outcome, Outcome::NotNow { .. }) {
            let _back = self.claim(json!(null), When::Present).await?;
        }
        Ok(outcome)
    }

    async fn claim(&self, at: Value, when: When) -> Result<Written, StoreError> {
        let row = keys::privacy_request(self.scope.tenant(), *self.request.id);
        let set = vec![("told_at", at)];
        self.scope.store().update(&row, set, vec![when]).await
    }
}
