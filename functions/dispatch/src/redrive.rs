//! Looks after dead letters, so that none of them is silence: what could not be answered is handed to a
//! person, what could not be delivered says so, what was not understood is tried once more.

mod alerts;
mod attachments;

use std::time::Duration;

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::conversation::OpenConversation;
use usher_aws::queue::{self, Outgoing, Received};
use usher_aws::scope::ScopeError;
use usher_aws::sealing::{HashPurpose, KeyringError};
use usher_aws::store::keys;
use usher_aws::store::{Read, StoreError, When};
use usher_shared::attachment::AttachmentTask;
use usher_shared::channel::Failure;
use usher_shared::ids::{MessageId, TenantId, TraceId};
use usher_shared::model::{Author, ConversationState, Direction, MessageBody, MessageState};
use usher_shared::notice;
use usher_shared::records::{
    AlertJob, DeliverJob, EraseJob, ExportJob, Message, PrivacyJob, ReplyJob, StreamLetter, TellJob,
};
use usher_shared::{Timestamp, record::Record};

use crate::route::{attachment_job, deliver_job, erase_job, export_job, privacy_job, reply_job, tell_job};
use crate::{DispatchError, Dispatcher};

/// Batches taken from each queue in one run; the next run takes the rest.
const BATCHES: usize = 10;
/// Traces that are looked through for a message.
const TRACES: usize = 50;
/// What waits because there is much to send is given up after this long: by then it says nothing to anybody.
const PATIENCE: Duration = Duration::from_hours(12);

/// What a run did.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Conversations that now wait for a person.
    pub(crate) handed_over: u32,
    /// Messages whose state now says that they were not, or perhaps not, delivered.
    pub(crate) settled: u32,
    /// Records sent on after all.
    pub(crate) sent: u32,
}

/// A letter could not be dealt with now; it stays where it is.
#[derive(Debug, thiserror::Error)]
enum LetterError {
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error("could not be sent on")]
    NotSent,
}

impl Dispatcher {
    pub(crate) async fn redrive(&self) -> Result<Report, DispatchError> {
        let mut report = Report::default();
        let now = self.platform.clock().now();
        for _ in 0..BATCHES {
            let letters = self.platform.receive(&self.queues.reply_dead).await?;
            if letters.is_empty() {
                break;
            }
            for letter in letters {
                if let Some(job) = read::<ReplyJob>(&letter) {
                    let done = self.hand_over(&job, now).await;
                    report.handed_over += self.put_away(&self.queues.reply_dead, &letter, done).await?;
                }
            }
        }
        for _ in 0..BATCHES {
            let letters = self.platform.receive(&self.queues.deliver_dead).await?;
            if letters.is_empty() {
                break;
            }
            for letter in letters {
                if let Ok(job) = queue::decode::<TellJob>(&letter.body) {
                    let done = self.tell_again(&job, now).await;
                    report.sent += self.put_away(&self.queues.deliver_dead, &letter, done).await?;
                } else if let Some(job) = read::<DeliverJob>(&letter) {
                    let done = self.settle(&job, now).await;
                    report.settled += self.put_away(&self.queues.deliver_dead, &letter, done).await?;
                }
            }
        }
        for _ in 0..BATCHES {
            let letters = self.platform.receive(&self.queues.stream_dead).await?;
            if letters.is_empty() {
                break;
            }
            for letter in letters {
                if let Some(record) = read::<StreamLetter>(&letter) {
                    let done = self.send_on(&record, now).await;
                    report.sent += self.put_away(&self.queues.stream_dead, &letter, done).await?;
                }
            }
        }
        report.sent += self
            .start_again(
                &self.queues.erasure_dead,
                &self.queues.erasure,
                &[again::<EraseJob>, again::<PrivacyJob>],
            )
            .await?;
        report.settled += self.give_up_attachments().await?;
        report.sent += self
            .start_again(
                &self.queues.exports_dead,
                &self.queues.exports,
                &[again::<ExportJob>],
            )
            .await?;
        report.sent += self
            .start_again(
                &self.queues.alerts_dead,
                &self.queues.alerts,
                &[again::<AlertJob>],
            )
            .await?;
        Ok(report)
    }

    /// Sends the jobs of a queue's dead letters to it again. Each step of such a job can be done again, and the
    /// worker looks at the row itself; one that never succeeds comes back here after its attempts, hours later,
    /// and an alarm says for how long it has been so.
    async fn start_again(
        &self,
        dead: &str,
        queue: &str,
        // One for each kind of job that the queue takes.
        kinds: &[fn(&str) -> Option<Outgoing>],
    ) -> Result<u32, DispatchError> {
        let mut sent = 0;
        for _ in 0..BATCHES {
            let letters = self.platform.receive(dead).await?;
            if letters.is_empty() {
                break;
            }
            for letter in letters {
                let Some(job) = kinds.iter().find_map(|kind| kind(&letter.body)) else {
                    tracing::error!("dead letter not understood");
                    continue;
                };
                let refused = self.platform.send_jobs(queue, &[job]).await;
                let done = refused.is_empty().then_some(true).ok_or(LetterError::NotSent);
                sent += self.put_away(dead, &letter, done).await?;
            }
        }
        Ok(sent)
    }

    async fn put_away(
        &self,
        queue: &str,
        letter: &Received,
        done: Result<bool, LetterError>,
    ) -> Result<u32, DispatchError> {
        match done {
            Ok(changed) => {
                self.platform.remove(queue, letter).await?;
                Ok(u32::from(changed))
            }
            Err(error) => {
                tracing::error!(error = %error, "dead letter stays");
                Ok(0)
            }
        }
    }

    /// Somebody was not told how their request ended: their carrier did not take it for a while.
    async fn tell_again(&self, job: &TellJob, now: Timestamp) -> Result<bool, LetterError> {
        tracing::error!(privacy_request.id = %*job.request, "not told yet; tried again");
        let again = format!(".{}", now.millis());
        let again = tell_job(*job.tenant, *job.request, now, &again).ok_or(LetterError::NotSent)?;
        let refused = self.platform.send_jobs(&self.queues.deliver, &[again]).await;
        refused.is_empty().then_some(true).ok_or(LetterError::NotSent)
    }

    /// Enters a tenant; `None` if there is none any more, and so nothing to look after.
    async fn enter(&self, tenant: TenantId) -> Result<Option<TenantScope>, LetterError> {
        match self.platform.enter(tenant).await {
            Ok(scope) => Ok(Some(scope)),
            Err(ScopeError::UnknownTenant) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The guest waits for an answer that the AI could not give: a person must, and the guest is told so. The
    /// notice comes first and under an id that follows from the message's: done twice, it is one. An answer that
    /// was written by an attempt that died right after stands, and nobody is told anything else.
    async fn hand_over(&self, job: &ReplyJob, now: Timestamp) -> Result<bool, LetterError> {
        let Some(scope) = self.enter(*job.tenant).await? else {
            return Ok(false);
        };
        let Some(open) = scope.open_conversation(*job.conversation).await? else {
            return Ok(false);
        };
        if !open.head.state.ai_may_answer() {
            return Ok(false);
        }
        let state = match standing(&scope, &open, job).await? {
            Standing::Answered => return Ok(false),
            Standing::Said { hands_over: false } => ConversationState::Ai,
            Standing::Said { hands_over: true } => ConversationState::WaitingForHuman,
            Standing::Nothing => {
                put_notice(&scope, &open, job).await?;
                ConversationState::WaitingForHuman
            }
        };
        // Never back: the letter may be of a message that was stored late.
        let through = (*open.head.answered_through).max(Some(*job.message));
        let from = ConversationState::OPEN_TO_AI;
        let written = scope
            .move_conversation(*job.conversation, &from, state, now, through)
            .await?;
        Ok(written.happened() && state == ConversationState::WaitingForHuman)
    }

    /// Nobody will try to deliver it again: a person has to, and its state says what is known. The person is
    /// called first: a state that says "failed" is looked for by nobody.
    async fn settle(&self, job: &DeliverJob, now: Timestamp) -> Result<bool, LetterError> {
        let Some(scope) = self.enter(*job.tenant).await? else {
            return Ok(false);
        };
        let row = keys::message(scope.tenant(), *job.conversation, *job.message);
        let found = scope.store().get_row::<Message>(&row, true).await?;
        let Some(found) = found else { return Ok(false) };
        let state = found.peek::<MessageState>("state");
        if !matches!(state, Some(MessageState::Queued | MessageState::Sending)) {
            return Ok(false);
        }
        // It only waits: nothing went wrong but that there is much to send.
        let waits = state == Some(MessageState::Queued) && found.peek::<Timestamp>("waits_until").is_some();
        if waits && now.since(job.message.at()) < PATIENCE {
            let again = format!(".{}", now.millis());
            let again = deliver_job(
                scope.tenant(),
                *job.conversation,
                *job.message,
                found.peek("channel"),
                now,
                &again,
            );
            let again = again.ok_or(LetterError::NotSent)?;
            let refused = self.platform.send_jobs(&self.queues.deliver, &[again]).await;
            return refused.is_empty().then_some(false).ok_or(LetterError::NotSent);
        }
        let _with_a_person_already = scope
            .move_conversation(
                *job.conversation,
                &ConversationState::OPEN_TO_AI,
                ConversationState::WaitingForHuman,
                now,
                None,
            )
            .await?;
        let outcomes = [
            (MessageState::Queued, MessageState::Failed),
            (MessageState::Sending, MessageState::Unknown),
        ];
        for (from, to) in outcomes {
            let when = vec![When::Is("state", json!(from))];
            let mut set = vec![("state", json!(to))];
            if to == MessageState::Failed {
                set.push(("failure", json!(Failure::GaveUp)));
            }
            if scope.store().update(&row, set, when).await?.happened() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The record was not understood, or its batch failed too often: look at the row itself.
    async fn send_on(&self, letter: &StreamLetter, now: Timestamp) -> Result<bool, LetterError> {
        let erasure = letter.sk.as_str().parse().ok();
        if let Some((tenant, erasure)) = keys::parse_erasure_partition(letter.pk.as_str()).zip(erasure) {
            let Some(job) = erase_job(tenant, erasure, now) else {
                return Ok(false);
            };
            let refused = self.platform.send_jobs(&self.queues.erasure, &[job]).await;
            return if refused.is_empty() {
                Ok(true)
            } else {
                Err(LetterError::NotSent)
            };
        }
        let request = keys::parse_privacy_request(letter.pk.as_str(), letter.sk.as_str());
        let hold = keys::parse_hold_partition(letter.pk.as_str());
        let waiting = request.map(|(tenant, id)| (tenant, Some(id)));
        if let Some((tenant, request)) = waiting.or(hold.map(|tenant| (tenant, None))) {
            // The worker looks at the row itself: one that is not confirmed or is over costs it one read.
            let job = privacy_job(tenant, request, now).ok_or(LetterError::NotSent)?;
            let mut refused = self.platform.send_jobs(&self.queues.erasure, &[job]).await;
            if let Some(request) = request {
                // Of one that is not over nobody is told anything.
                let again = format!(".{}", now.millis());
                let job = tell_job(tenant, request, now, &again).ok_or(LetterError::NotSent)?;
                refused.extend(self.platform.send_jobs(&self.queues.deliver, &[job]).await);
            }
            return refused.is_empty().then_some(true).ok_or(LetterError::NotSent);
        }
        if let Some((tenant, export)) = keys::parse_export(letter.pk.as_str(), letter.sk.as_str()) {
            // The worker looks at the row itself: an export that is over costs it one read.
            let job = export_job(tenant, export, now).ok_or(LetterError::NotSent)?;
            let refused = self.platform.send_jobs(&self.queues.exports, &[job]).await;
            return refused.is_empty().then_some(true).ok_or(LetterError::NotSent);
        }
        let place = keys::parse_conversation_partition(letter.pk.as_str());
        let attachment = keys::parse_attachment_sort_key(letter.sk.as_str());
        if let Some(((tenant, conversation), (message, attachment))) = place.zip(attachment) {
            // Whoever does it looks at the row: without one there is only something to remove.
            let job = attachment_job(
                tenant,
                conversation,
                message,
                attachment,
                AttachmentTask::Fetch,
                now,
            );
            let job = job.ok_or(LetterError::NotSent)?;
            let refused = self.platform.send_jobs(&self.queues.attachments, &[job]).await;
            return refused.is_empty().then_some(true).ok_or(LetterError::NotSent);
        }
        let message = keys::parse_message_sort_key(letter.sk.as_str());
        let Some(((tenant, conversation), message)) = place.zip(message) else {
            return match place {
                Some((tenant, conversation)) => self.look_at_head(tenant, conversation, letter, now).await,
                None => Ok(false),
            };
        };
        let Some(scope) = self.enter(tenant).await? else {
            return Ok(false);
        };
        let row = keys::message(tenant, conversation, message);
        let Some(found) = scope.store().get_row::<Message>(&row, true).await? else {
            return Ok(false);
        };
        let again = format!(".{}", now.millis());
        let (queue, job) = match (found.peek("direction"), found.peek("state")) {
            (Some(Direction::Inbound), _) => (
                &self.queues.reply,
                reply_job(tenant, conversation, message, now, &again),
            ),
            (Some(Direction::Outbound), Some(MessageState::Queued)) => (
                &self.queues.deliver,
                deliver_job(tenant, conversation, message, found.peek("channel"), now, &again),
            ),
            _ => return Ok(false),
        };
        let Some(job) = job else { return Ok(false) };
        if self.platform.send_jobs(queue, &[job]).await.is_empty() {
            Ok(true)
        } else {
            Err(LetterError::NotSent)
        }
    }
}

/// A letter that is no job of ours stays for people: its queue has an alarm.
/// The same job once more, if it is of this kind.
fn again<R: Record>(body: &str) -> Option<Outgoing> {
    let job: R = queue::decode(body).ok()?;
    tracing::error!(kind = R::SPEC.kind, "given up; started again");
    Outgoing::standard(&job).ok()
}

fn read<R: Record>(letter: &Received) -> Option<R> {
    let job = queue::decode(&letter.body);
    if job.is_err() {
        tracing::error!(kind = R::SPEC.kind, "dead letter not understood");
    }
    job.ok()
}

/// What became of a message whose turn failed for good.
enum Standing {
    /// Another message's turn answered it too.
    Answered,
    /// Its own turn wrote its message and died right after.
    Said { hands_over: bool },
    /// Nothing.
    Nothing,
}

async fn standing(
    scope: &TenantScope,
    open: &OpenConversation,
    job: &ReplyJob,
) -> Result<Standing, StoreError> {
    let (tenant, conversation) = (scope.tenant(), *job.conversation);
    let own = TraceId::from(*job.message);
    let row = keys::trace(tenant, conversation, own);
    if let Some(trace) = scope.store().get(&row, &open.key, true).await? {
        // A person was faster: nothing was to be said.
        let Some(reply) = *trace.reply else {
            return Ok(Standing::Answered);
        };
        let reply = keys::message(tenant, conversation, reply);
        if scope.store().get_row(&reply, true).await?.is_some() {
            let hands_over = trace.decision.hands_over();
            return Ok(Standing::Said { hands_over });
        }
    }
    if open
        .head
        .answered_through
        .is_none_or(|through| through < *job.message)
    {
        return Ok(Standing::Nothing);
    }
    // A turn has gone past it, but perhaps before it was stored: the traces know.
    let read = Read {
        limit: TRACES,
        backward: true,
        consistent: true,
        after: None,
    };
    let traces = scope
        .store()
        .query(&keys::traces(tenant, conversation), &read)
        .await?
        .rows;
    let named = traces.iter().any(|row| {
        let burst = row.peek::<Vec<MessageId>>("burst");
        row.peek("id") != Some(own) && burst.is_some_and(|burst| burst.contains(&job.message))
    });
    Ok(if named {
        Standing::Answered
    } else {
        Standing::Nothing
    })
}

async fn put_notice(scope: &TenantScope, open: &OpenConversation, job: &ReplyJob) -> Result<(), LetterError> {
    let asked = job.message.to_string();
    let tail = scope
        .key()
        .hash(HashPurpose::Derived, &[b"gave-up", asked.as_bytes()])
        .tail();
    let id = MessageId::derived(*job.at, tail);
    let notice = Message {
        id: id.into(),
        conversation: job.conversation,
        contact: open.head.contact,
        channel: open.head.channel,
        direction: Direction::Outbound.into(),
        author: Author::System.into(),
        state: MessageState::Queued.into(),
        at: id.at().into(),
        answers: Some(*job.message).into(),
        body: MessageBody::from(notice::HANDED_OVER.to_owned()).into(),
        ..Message::blank()
    };
    let row = keys::message(scope.tenant(), *job.conversation, id);
    let _stored_before = scope.store().put(&row, &notice, &open.key, When::Absent).await?;
    Ok(())
}
