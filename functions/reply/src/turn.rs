//! One turn of a conversation: from an inbound message to a decision and what is said.

mod burst;
mod silence;
mod telling;

use std::time::Duration;

use usher_aws::TenantScope;
use usher_aws::conversation::{OpenConversation, Readable};
use usher_aws::deadline::Deadline;
use usher_aws::queue::QueueError;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::{HashPurpose, KeyringError};
use usher_aws::store::{Read, Row, StoreError, When, keys};
use usher_aws::telemetry::{self, Unit};
use usher_shared::Timestamp;
use usher_shared::guard::{self, Flag};
use usher_shared::ids::{MessageId, TraceId};
use usher_shared::knowledge::Language;
use usher_shared::lead;
use usher_shared::masking::{Masking, mask};
use usher_shared::model::{
    Author, ConversationState, Decision, Direction, MessageBody, MessageState, Profile,
};
use usher_shared::record::Malformed;
use usher_shared::records::{Message, ReplyJob, Trace};
use usher_shared::untrusted::{InvalidText, Label};

use self::burst::{Burst, all_open, asked, last_answered, reply_to};
use self::silence::leave_to_people;
use crate::capture::capture;
use crate::guarding::{Asked, Guarded};
use crate::heard::Heard;
use crate::provider::{Made, Outcome, Prompt, Setting, time_for_models};
use crate::{Desk, budget};

/// Why a turn failed. The queue will bring it again.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The job is not one.
    #[error(transparent)]
    Job(#[from] Malformed),
    /// The tenant cannot be entered.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Keys or rows cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A name of ours is no label.
    #[error(transparent)]
    Label(#[from] InvalidText),
    /// A queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<StoreError> for TurnError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// Messages of a conversation that are read for a turn.
const CONTEXT: usize = 20;
/// Messages that are read if none of those was answered: who writes more than these at once is answered the newest.
const LONG_CONTEXT: usize = 200;
/// Passages that a provider is shown.
const PASSAGES: usize = 5;
/// A conversation's state that was read longer ago is read again before the turn is written.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Answers one inbound message, unless there is a reason not to.
pub(crate) async fn answer(desk: &Desk, job: &ReplyJob, deadline: Deadline) -> Result<(), TurnError> {
    let scope = match desk.platform.enter(*job.tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok(()),
        scope => scope?,
    };
    let read_at = scope.now();
    // Forgotten or past its period: nothing to answer.
    let Some((mut open, mut messages)) = scope.open_with_messages(*job.conversation, CONTEXT).await? else {
        return Ok(());
    };
    if messages.len() == CONTEXT && all_open(&messages, *open.head.answered_through) {
        let Some(more) = scope.open_with_messages(*job.conversation, LONG_CONTEXT).await? else {
            return Ok(());
        };
        (open, messages) = more;
    }
    if !messages.iter().any(|message| message.id == job.message) {
        // Stored long after its id says, or gone.
        let row = keys::message(scope.tenant(), *job.conversation, *job.message);
        let Some(message) = scope.store().get(&row, &open.key, true).await? else {
            return Ok(());
        };
        messages.insert(0, message);
    }
    // What was taken back is shown to nobody.
    messages.retain(|message| message.withdrawn_at.is_none());
    mask_for_model(scope.masking(), &mut messages);
    let Some(asked) = asked(&messages, *job.message) else {
        return Ok(());
    };
    let job = &ReplyJob {
        message: asked.id,
        ..job.clone()
    };
    if !asked.is_to_be_answered() || !open.contact_keys.processing().may_send() {
        // It stands in the inbox, and that is all.
        let _taken_elsewhere = scope
            .keep_up_conversation(&open.head, *open.head.state, scope.now(), None)
            .await?;
        tracing::info!(message.id = %*job.message, "only kept");
        return Ok(());
    }
    let text = asked.body.get().text.clone();

    if let Some(said) = reply_to(&messages, *job.message) {
        let hands_over = *said.author == Author::System;
        return finish(&scope, &open, job, hands_over, &text).await;
    }
    let through = last_answered(*open.head.answered_through, &messages);
    let decided = match whose(&scope, &open, through, &messages, job).await? {
        Whose::Own => None,
        Whose::Decided(trace, reply) => Some((trace, reply)),
        Whose::Anothers => {
            // What it volunteers is taken down all the same.
            let volunteered = lead::volunteered(&text);
            return Ok(capture(&scope, &open.head, volunteered, None, scope.now()).await?);
        }
    };
    if !open.head.state.ai_may_answer() {
        let _taken_elsewhere = scope
            .keep_up_conversation(&open.head, *open.head.state, scope.now(), None)
            .await?;
        tracing::info!(message.id = %*job.message, "people have it");
        let volunteered = lead::volunteered(&text);
        return Ok(capture(&scope, &open.head, volunteered, None, scope.now()).await?);
    }
    if let Some((trace, reply)) = decided {
        let (lead, intent) = (lead::volunteered(&text), trace.intent.0.clone());
        return say(&scope, &open, job, &trace, reply, lead, intent).await;
    }
    let silent = !scope.ai().ai_answers(scope.now());
    let Some(readable) = open.readable(messages).filter(|_| !silent) else {
        return leave_to_people(&scope, &open, job, &text).await;
    };
    let time = time_for_models(deadline);
    let turn = decide(desk, &scope, &open, through, &readable, job, time).await?;
    conclude(&scope, &open, job, turn, read_at).await
}

/// An earlier attempt has said its piece and died before it could move the head, or this is a repetition: what
/// was said stands, and what it leads to happens.
async fn finish(
    scope: &TenantScope,
    open: &OpenConversation,
    job: &ReplyJob,
    hands_over: bool,
    text: &str,
) -> Result<(), TurnError> {
    let now = scope.now();
    let through = (*open.head.answered_through).max(Some(*job.message));
    if hands_over || *open.head.answered_through != through {
        let state = if hands_over {
            ConversationState::WaitingForHuman
        } else {
            ConversationState::Ai
        };
        let from = ConversationState::OPEN_TO_AI;
        let _with_a_person_already = scope
            .move_conversation(*job.conversation, &from, state, now, through)
            .await?;
    }
    Ok(capture(scope, &open.head, lead::volunteered(text), None, now).await?)
}

/// Whose turn answers a message.
enum Whose {
    /// Its own.
    Own,
    /// Its own, which was decided and died before it said so: what it decided is said.
    Decided(Box<Trace>, MessageId),
    /// Another message's answers it too, or has done so.
    Anothers,
}

async fn whose(
    scope: &TenantScope,
    open: &OpenConversation,
    through: Option<MessageId>,
    messages: &[Message],
    job: &ReplyJob,
) -> Result<Whose, TurnError> {
    let passed = through.is_some_and(|done| done >= *job.message);
    let newest = messages.iter().rfind(|message| message.is_to_be_answered());
    if !passed && newest.is_none_or(|newest| newest.id == job.message) {
        return Ok(Whose::Own);
    }
    // A turn has gone past it, but perhaps before it was stored: a first delivery that died half way leaves a
    // message whose id is older than its row. Or a newer one waits. The traces know what was decided.
    let range = keys::traces(scope.tenant(), *job.conversation);
    let read = Read {
        limit: CONTEXT,
        backward: true,
        consistent: true,
        after: None,
    };
    let traces = scope.store().query(&range, &read).await?.rows;
    let own = TraceId::from(*job.message);
    let (own, others): (Vec<_>, Vec<_>) = traces.into_iter().partition(|row| row.peek("id") == Some(own));
    let named = |row: &Row| {
        let burst = row.peek::<Vec<MessageId>>("burst");
        burst.is_some_and(|burst| burst.contains(&job.message))
    };
    if others.iter().any(named) {
        return Ok(Whose::Anothers);
    }
    if let Some(row) = own.into_iter().next() {
        let trace: Trace = scope.store().open(row, &open.key)?;
        if let Some(reply) = *trace.reply {
            return Ok(Whose::Decided(Box::new(trace), reply));
        }
    }
    // The newest message's turn answers whatever came after the last answer.
    Ok(if passed { Whose::Own } else { Whose::Anothers })
}

/// Messages are masked before they are stored. What was stored while masking was off is shown to no model once
/// it is on.
fn mask_for_model(masking: Masking, messages: &mut [Message]) {
    for message in messages {
        let masked = mask(&message.body.get().text, masking);
        if masked.cards > 0 || masked.government_ids > 0 {
            message.body = MessageBody::from(masked.text).into();
        }
    }
}

/// What was decided, before it is written down.
struct Turn {
    guarded: Guarded,
    made: Made,
    since: Timestamp,
    burst: Vec<MessageId>,
}

async fn decide(
    desk: &Desk,
    scope: &TenantScope,
    open: &OpenConversation,
    through: Option<MessageId>,
    readable: &Readable,
    job: &ReplyJob,
    time: Duration,
) -> Result<Turn, TurnError> {
    let messages = readable.messages();
    let index = desk.library.index(scope).await?;
    let Burst { asked: burst, before } = Burst::of(messages, through, *job.message);
    let ids = |messages: &[&Message]| messages.iter().map(|message| *message.id).collect::<Vec<_>>();
    let (burst, before) = (ids(&burst), ids(&before));
    let heard = Heard::of(readable, &burst, &before);
    let hits = index.search(heard.question(), PASSAGES);
    let signs = guard::signs(heard.question());
    let setting = Setting::read(desk, scope, *open.head.channel).await?;
    let prompt = Prompt {
        business: setting.business(scope.business_name()),
        heard,
        intents: scope.intents(),
        index: &index,
        passages: hits.into_iter().map(|hit| hit.passage).collect(),
        channel: setting.channel,
        time,
    };
    let asked = Asked {
        prompt: &prompt,
        settings: &setting,
        signs,
        notice: telling::is_due(setting.channel, &open.head, messages).then(|| {
            let language = Language::told_by([prompt.question()]);
            scope.ai_notices().said_in(language)
        }),
    };
    let (guarded, made) = if asked.signs.contains(&Flag::Abuse) {
        // Whoever is abused is a person's to deal with; no model is asked.
        (asked.nobody(None)?, Made::nobody())
    } else if let Some(used_up) = budget::spend(desk, scope, &open.head, prompt.characters()).await {
        (asked.nobody(Some(used_up))?, Made::nobody())
    } else {
        let reply = desk.provider.reply(&prompt).await;
        if reply.outcome == Outcome::Failed {
            tracing::error!(message.id = %*job.message, "no provider gave anything to use");
        }
        let made = reply.made.clone();
        (asked.guard(reply)?, made)
    };
    Ok(Turn {
        guarded,
        made,
        since: messages
            .iter()
            .map(|message| *message.at)
            .min()
            .unwrap_or(*job.at),
        burst,
    })
}

/// Writes the turn down: the trace, which is the intent; then the message, which is the effect; then the
/// head. After a crash between any two, the next attempt finds the trace and goes on with what it says.
async fn conclude(
    scope: &TenantScope,
    open: &OpenConversation,
    job: &ReplyJob,
    turn: Turn,
    read_at: Timestamp,
) -> Result<(), TurnError> {
    let (tenant, conversation) = (scope.tenant(), *job.conversation);
    let now = scope.now();
    let mut guarded = turn.guarded;
    // The provider may have taken its time: whoever took over meanwhile has the word. If it took none, the look
    // that `deliver` takes right before sending is as good as one more here.
    if now.since(read_at) >= LOOK_AGAIN_AFTER {
        let state = scope.conversation_state(conversation).await?;
        match state {
            // Forgotten: nothing is written of it any more.
            None => return Ok(()),
            Some(state) if state.ai_may_answer() => {}
            Some(_) => guarded.decision = Decision::TakenOver,
        }
    }
    let answered = job.message.to_string();
    let tail = scope
        .key()
        .hash(HashPurpose::Derived, &[b"reply", answered.as_bytes()])
        .tail();
    let id = TraceId::from(*job.message);
    let overruled = guarded.decision == Decision::TakenOver;
    let mut trace = Trace {
        id: id.into(),
        conversation: conversation.into(),
        at: now.into(),
        since: turn.since.into(),
        burst: turn.burst.into(),
        decision: guarded.decision.into(),
        reply: (!overruled).then(|| MessageId::derived(now, tail)).into(),
        taken_over_at: overruled.then_some(now).into(),
        provider: turn.made.provider.into(),
        model: turn.made.model.into(),
        usage: turn.made.usage.into(),
        passages: guarded.passages.into(),
        flags: guarded.flags.into(),
        intent: guarded.intent.clone().into(),
        ai_notice: guarded.notice.into(),
        prompt: turn.made.prompt.into(),
        response: guarded.text.into(),
        refused: guarded.refused.into(),
    };
    let row = keys::trace(tenant, conversation, id);
    if let Some(earlier) = scope.store().insert_or_get(&row, &trace, &open.key).await? {
        trace = earlier;
    }
    let Some(reply) = *trace.reply else {
        tracing::info!(conversation.id = %conversation, "taken over while answering");
        return Ok(capture(scope, &open.head, guarded.lead, guarded.intent, now).await?);
    };
    say(scope, open, job, &trace, reply, guarded.lead, guarded.intent).await
}

/// Says what a trace decided: the message, then the head.
async fn say(
    scope: &TenantScope,
    open: &OpenConversation,
    job: &ReplyJob,
    trace: &Trace,
    reply: MessageId,
    lead: Profile,
    intent: Option<Label>,
) -> Result<(), TurnError> {
    let (tenant, conversation, now) = (scope.tenant(), *job.conversation, scope.now());
    put_reply(scope, open, job, trace, reply).await?;
    let state = if trace.decision.hands_over() {
        ConversationState::WaitingForHuman
    } else {
        ConversationState::Ai
    };
    // Never back: a message that was stored late is older than what was answered before it.
    let through = open
        .head
        .answered_through
        .map_or(*job.message, |done| done.max(*job.message));
    let _taken_over_meanwhile = scope
        .keep_up_told(
            &open.head,
            state,
            now,
            Some(through),
            trace.ai_notice.map(|_| reply),
        )
        .await?;
    capture(scope, &open.head, lead, intent, now).await?;
    tracing::info!(
        tenant.id = %tenant,
        conversation.id = %conversation,
        message.id = %*job.message,
        reply.id = %reply,
        handed_over = trace.decision.hands_over(),
        "answered"
    );
    let name = if trace.decision.hands_over() {
        "handed_over"
    } else {
        "answered"
    };
    telemetry::emit("reply", &[(name, 1.0, Unit::Count)]);
    Ok(())
}

async fn put_reply(
    scope: &TenantScope,
    open: &OpenConversation,
    job: &ReplyJob,
    trace: &Trace,
    reply: MessageId,
) -> Result<(), TurnError> {
    let author = if trace.decision.hands_over() {
        Author::System
    } else {
        Author::Ai
    };
    let also: Vec<MessageId> = trace
        .burst
        .iter()
        .copied()
        .filter(|answered| *answered != *job.message)
        .collect();
    let message = Message {
        id: reply.into(),
        conversation: job.conversation,
        contact: open.head.contact,
        channel: open.head.channel,
        direction: Direction::Outbound.into(),
        author: author.into(),
        state: MessageState::Queued.into(),
        at: reply.at().into(),
        answers: Some(*job.message).into(),
        answers_also: (!also.is_empty()).then_some(also).into(),
        body: MessageBody::from(trace.response.get().clone()).into(),
        ..Message::blank()
    };
    let row = keys::message(scope.tenant(), *job.conversation, reply);
    let _stored_before = scope.store().put(&row, &message, &open.key, When::Absent).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
