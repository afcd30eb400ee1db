//! One look at a wait: who is to be told now is told, and the next look is put into the queue.
//!
//! A look is claimed before anything is said, for a minute; whom it has told is written down one by one; the next look is
//! queued before this one is called over. So a job that comes twice says nothing twice, and one that dies in the middle
//! repeats at most what it said last.

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::deadline::Deadline;
use usher_aws::queue::{Outgoing, QueueError};
use usher_aws::scope::ScopeError;
use usher_aws::sealing::{DataKey, KeyringError};
use usher_aws::store::{StoreError, When, keys};
use usher_aws::telemetry::{self, Unit};
use usher_shared::Timestamp;
use usher_shared::alert::Told;
use usher_shared::model::ConversationState;
use usher_shared::record::Malformed;
use usher_shared::records::{AlertJob, AlertPlan, AlertState, Conversation};
use usher_shared::untrusted::Label;

use crate::Alerts;
use crate::plan;
use crate::schedule::{Named, Wait, is_silent, remember};
use crate::tell::{Attempt, CALL};
use crate::words::{self, Alert};

/// A claim holds for longer than any invocation runs.
const LEASE: Duration = Duration::from_mins(1);
/// A queue holds a job back for this long at most. A look that is due later comes by in between: whoever changes the
/// settings, or comes, is noticed by then.
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// Attempts at one look; whoever was not told by then is told again after the interval.
const ATTEMPTS: u32 = 4;
/// Time that is left for writing down what was done.
const REST: Duration = Duration::from_secs(3);

/// Why a look failed. The queue will bring it again.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The job is not one.
    #[error(transparent)]
    Job(#[from] Malformed),
    /// The tenant cannot be entered.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Keys or rows cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The next look could not be queued.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Another attempt has it, and may die over it, so somebody has to come again.
    #[error("the look is claimed already")]
    Claimed,
}

impl From<StoreError> for LookError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// A look at work.
struct Look<'a> {
    alerts: &'a Alerts,
    scope: TenantScope,
    job: &'a AlertJob,
    deadline: Deadline,
}

/// Looks at one wait.
pub(crate) async fn look(alerts: &Alerts, job: &AlertJob, deadline: Deadline) -> Result<(), LookError> {
    let scope = match alerts.platform.enter(*job.tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok(()),
        scope => scope?,
    };
    let look = Look {
        alerts,
        scope,
        job,
        deadline,
    };
    let Some(plan) = plan::read(&look.scope).await? else {
        return Ok(());
    };
    let Some(head) = look.waiting().await? else {
        return Ok(());
    };
    let Some(state) = look.state().await? else {
        return Ok(());
    };
    let all = plan::named(&look.scope, &plan);
    let wait = Wait {
        since: *job.since,
        now: look.scope.now(),
        told: &state.told,
    };
    let due = wait.due(&plan, &all);
    if !due.is_empty() {
        return look.tell(plan.clone(), &head, state.clone(), due).await;
    }
    if let Some(at) = wait.soonest(&plan, &all) {
        return look.again(*job.look, at).await;
    }
    tracing::error!(tenant.id = %look.scope.tenant(), "somebody waits, and nobody can be told");
    Ok(())
}

impl Look<'_> {
    /// The head of the conversation, if it is still the wait that the job is about and nobody knows of it.
    async fn waiting(&self) -> Result<Option<Conversation>, LookError> {
        // Forgotten or past its period: nobody is told anything.
        let open = self.scope.open_conversation(*self.job.conversation).await?;
        let head = open.map(|open| open.head).filter(|head| {
            *head.state == ConversationState::WaitingForHuman
                && *head.waiting_since == Some(*self.job.since)
                && head.acknowledged_at.is_none()
        });
        Ok(head)
    }

    /// How far the alerts of this wait have come; none if this look is over, or another wait's have begun.
    async fn state(&self) -> Result<Option<AlertState>, LookError> {
        let job = self.job;
        let row = keys::alert_state(self.scope.tenant(), *job.conversation);
        let fresh = AlertState {
            conversation: job.conversation,
            since: job.since,
            looks: 0.into(),
            attempts: 0.into(),
            told: Vec::new().into(),
            claim: None.into(),
            lease_until: None.into(),
        };
        let (store, none) = (self.scope.store(), DataKey::none());
        let mut found = store.put_or_get(&row, &fresh, &none, When::Absent).await?;
        if let Some(earlier) = found.as_ref().filter(|found| *found.since < *job.since) {
            let when = When::Is("since", json!(*earlier.since));
            found = store.put_or_get(&row, &fresh, &none, when).await?;
        }
        let state = found.unwrap_or(fresh);
        Ok((state.since == job.since && *state.looks < *job.look).then_some(state))
    }

    /// Claims the look for this attempt. A lost answer is no lost claim: the row says whose it is.
    async fn claim(&self, state: &AlertState) -> Result<Label, LookError> {
        let now = self.scope.now();
        let free = match *state.lease_until {
            None => When::Missing("lease_until"),
            Some(until) if until > now => return Err(LookError::Claimed),
            Some(until) => When::Is("lease_until", json!(until)),
        };
        let mut token = [0; 8];
        self.scope.entropy().fill(&mut token);
        let claim: Option<Label> = format!("{:016x}", u64::from_be_bytes(token)).parse().ok();
        let claim = claim.ok_or(LookError::Claimed)?;
        let set = vec![
            ("claim", json!(claim)),
            ("lease_until", json!(now.plus(LEASE))),
            ("attempts", json!(state.attempts.saturating_add(1))),
        ];
        let row = keys::alert_state(self.scope.tenant(), *self.job.conversation);
        let when = vec![
            When::Is("since", json!(*state.since)),
            When::Is("looks", json!(*state.looks)),
            free,
        ];
        if self.scope.store().update(&row, set, when).await?.happened() {
            return Ok(claim);
        }
        let found = self.scope.store().get_row(&row, true).await?;
        let theirs = found.and_then(|row| row.peek::<Label>("claim"));
        (theirs.as_ref() == Some(&claim))
            .then_some(claim)
            .ok_or(LookError::Claimed)
    }

    /// Writes down how far the look has come, while it is ours.
    async fn note(&self, claim: &Label, set: Vec<(&'static str, Value)>) -> Result<(), LookError> {
        let row = keys::alert_state(self.scope.tenant(), *self.job.conversation);
        let when = vec![When::Is("claim", json!(claim))];
        // Taken over by another attempt, or gone with its conversation: nothing to write down.
        let _ours = self.scope.store().update(&row, set, when).await?;
        Ok(())
    }

    async fn tell(
        &self,
        mut plan: AlertPlan,
        head: &Conversation,
        state: AlertState,
        due: Vec<&Named>,
    ) -> Result<(), LookError> {
        let claim = self.claim(&state).await?;
        let alert = self.alert(head).await?;
        let gives_up = *state.attempts + 1 >= ATTEMPTS;
        let mut told: Vec<Told> = state.told.0;
        let (mut later, mut sent) = (None, 0_u32);
        for Named { target, id } in due {
            if self.deadline.remaining() < CALL + CALL + REST {
                later = Some(Duration::ZERO);
                break;
            }
            let (now, own) = (self.scope.now(), plan.telegram_token.get().as_deref());
            let silent = is_silent(target, now);
            let attempt = self.alerts.teller.tell(own, target, &alert, silent, CALL).await;
            self.log(target.kind.name(), &attempt);
            match attempt {
                Attempt::Told => {
                    sent += 1;
                    remember(&mut told, *id, now);
                }
                Attempt::Moved(chat) => {
                    sent += 1;
                    let mut moved = target.clone();
                    moved.address.clone_from(&chat);
                    remember(&mut told, plan::id_of(&self.scope, &moved), now);
                    let change = |target: &mut usher_shared::alert::Target| target.address.clone_from(&chat);
                    plan = plan::amend(&self.scope, *id, change).await?.unwrap_or(plan);
                }
                Attempt::Over(trouble) => {
                    let change = |target: &mut usher_shared::alert::Target| target.trouble = Some(trouble);
                    plan = plan::amend(&self.scope, *id, change).await?.unwrap_or(plan);
                }
                Attempt::Later(after) if !gives_up => {
                    later = Some(later.map_or(after, |known: Duration| known.min(after)));
                }
                // Not told; the interval counts all the same, or it would be tried without end.
                Attempt::Later(_) | Attempt::Impossible => remember(&mut told, *id, now),
            }
            self.note(&claim, vec![("told", json!(told))]).await?;
        }
        telemetry::emit("alerts", &[("told", f64::from(sent), Unit::Count)]);
        // Queued before it is written down: a look that dies in between is repeated, and never the last.
        let free = |more: Vec<(&'static str, Value)>| {
            let mut fields = vec![("claim", json!(null)), ("lease_until", json!(null))];
            fields.extend(more);
            fields
        };
        if let Some(after) = later {
            self.again(*self.job.look, self.scope.now().plus(after)).await?;
            return self.note(&claim, free(Vec::new())).await;
        }
        let all = plan::named(&self.scope, &plan);
        let wait = Wait {
            since: *self.job.since,
            now: self.scope.now(),
            told: &told,
        };
        match wait.soonest(&plan, &all) {
            Some(at) => self.again(self.job.look.saturating_add(1), at).await?,
            None => {
                tracing::error!(tenant.id = %self.scope.tenant(), "somebody waits, and nobody can be told");
            }
        }
        let over = vec![("looks", json!(*self.job.look)), ("attempts", json!(0))];
        self.note(&claim, free(over)).await
    }

    async fn alert(&self, head: &Conversation) -> Result<Alert, LookError> {
        let row = keys::channel(self.scope.tenant(), *head.channel);
        let channel = self.scope.store().get_row(&row, false).await?;
        let kind = channel.and_then(|row| row.peek("kind"));
        let link = format!("{}/conversations/{}", self.alerts.links, *head.id);
        let waited = self.scope.now().since(*self.job.since);
        Ok(words::waits(self.scope.business_name(), kind, waited, &link))
    }

    fn log(&self, kind: &'static str, attempt: &Attempt) {
        let (tenant, conversation) = (self.scope.tenant(), *self.job.conversation);
        match attempt {
            Attempt::Told | Attempt::Moved(_) => {
                tracing::info!(tenant.id = %tenant, conversation.id = %conversation, target.kind = kind, "told");
            }
            Attempt::Later(_) => {
                tracing::warn!(tenant.id = %tenant, conversation.id = %conversation, target.kind = kind, "not told now");
            }
            Attempt::Over(trouble) => {
                tracing::error!(tenant.id = %tenant, target.kind = kind, target.trouble = ?trouble, "told no more");
            }
            Attempt::Impossible => {
                tracing::error!(tenant.id = %tenant, target.kind = kind, "the installation cannot tell anybody so");
            }
        }
    }

    /// Puts a look into the queue, for when it is due or for as long as the queue holds a job back.
    async fn again(&self, look: u32, at: Timestamp) -> Result<(), LookError> {
        let now = self.scope.now();
        let job = AlertJob {
            at: now.into(),
            look: look.into(),
            ..self.job.clone()
        };
        // At least a second: what is due this moment would find this attempt's claim.
        let delay = at.since(now).clamp(Duration::from_secs(1), LONGEST_DELAY);
        let delay = Duration::from_secs(delay.as_millis().div_ceil(1000).try_into().unwrap_or(900));
        let job = Outgoing::standard(&job)?.after(delay);
        let refused = self.alerts.platform.send_jobs(&self.alerts.queue, &[job]).await;
        match refused.into_iter().next() {
            None => Ok(()),
            Some((_, error)) => Err(error.into()),
        }
    }
}
