//! A delivery that leaves: last check, claim, send, record.

use serde_json::json;
use usher_aws::channels::OpenChannel;
use usher_aws::deadline::Deadline;
use usher_aws::sealing::HashPurpose;
use usher_aws::store::{StoreError, When, keys};
use usher_aws::suppressions::Means;
use usher_carriers::call::{Outcome, Outgoing};
use usher_shared::channel::{
    ChannelHealth, ChannelKind, ChannelState, ChannelTrouble, Delivery as Come, Failure,
};
use usher_shared::message::Reference;
use usher_shared::model::{Author, ConversationState, Direction, MessageState, Processing, Reach};
use usher_shared::records::Message;
use usher_shared::untrusted::Label;

use crate::Courier;
use crate::delivery::{CALL, Delivery, DeliveryError, Settled, is_overruled, result_of};
use crate::limits;

/// Messages that are read with the conversation: among them is the last that the person wrote, which decides whether the
/// channel still takes an answer.
const CONTEXT: usize = 20;

/// Sends one message, once.
pub(crate) async fn send(
    courier: &Courier,
    delivery: &Delivery<'_>,
    deadline: Deadline,
) -> Result<(), DeliveryError> {
    let first = attempt(courier, delivery, deadline, false).await?;
    if first == Attempt::Waited {
        // Whatever was decided while it waited counts.
        attempt(courier, delivery, deadline, true).await?;
    }
    Ok(())
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// The message is settled, or was before.
    Over,
    /// The channel's limit let it through after a while. Nothing was sent.
    Waited,
}

async fn attempt(
    courier: &Courier,
    delivery: &Delivery<'_>,
    deadline: Deadline,
    is_admitted: bool,
) -> Result<Attempt, DeliveryError> {
    let (scope, job) = (&delivery.scope, delivery.job);
    // Forgotten or past its period: nothing leaves.
    let Some((open, messages)) = scope.open_with_messages(*job.conversation, CONTEXT).await? else {
        return Ok(Attempt::Over);
    };
    let message = match messages.iter().find(|message| message.id == job.message) {
        Some(message) => message.clone(),
        None => match scope.store().get(&delivery.row, &open.key, true).await? {
            Some(message) => message,
            None => return Ok(Attempt::Over),
        },
    };
    let own = message.body.get().reach.as_ref();
    let reach = own.or(open.head.reach.get().as_ref());
    let by = reach
        .and_then(|reach| reach.channel)
        .unwrap_or(*open.head.channel);
    // Read now: what was paused or disconnected a moment ago sends nothing.
    let Some(channel) = courier.platform.live_channel(scope, by).await? else {
        let closed = Settled::refused(Failure::ChannelClosed);
        delivery.settle(*message.state, closed).await?;
        return Ok(Attempt::Over);
    };
    let settings = channel.settings();
    let sender = courier.carriers.by(*channel.channel.kind, &settings);
    match *message.state {
        MessageState::Queued => {}
        // An earlier attempt claimed it and died before it could say what became of it.
        MessageState::Sending if sender.repetition_is_harmless() => {}
        MessageState::Sending => {
            let unknown = Settled::of(MessageState::Unknown);
            delivery.settle(MessageState::Sending, unknown).await?;
            return Ok(Attempt::Over);
        }
        _ => return Ok(Attempt::Over),
    }
    if let Some(stopped) = last_check(
        delivery,
        (*open.head.state, open.contact_keys.processing()),
        &message,
        &channel,
        reach,
    )
    .await?
    {
        delivery.settle(*message.state, stopped).await?;
        return Ok(Attempt::Over);
    }
    let reference = Reference {
        conversation: *job.conversation,
        message: *job.message,
    }
    .to_string();
    let answered = messages
        .iter()
        .find(|inbound| Some(*inbound.id) == *message.answers)
        .or_else(|| last_inbound(&messages));
    let is_mail = *channel.channel.kind == ChannelKind::Email;
    let token = is_mail.then(|| scope.mail_token(*job.conversation));
    let outgoing = Outgoing {
        reference: &reference,
        to: reach.map_or("", |reach| &reach.address),
        text: &message.body.get().text,
        by_human: *message.author == Author::Human,
        last_inbound: last_inbound(&messages).map(|inbound| *inbound.at),
        now: scope.now(),
        comment: answered.and_then(|inbound| inbound.body.get().comment.as_ref()),
        mail: answered.and_then(|inbound| inbound.body.get().mail.as_ref()),
        answers: None,
        token: token.as_deref(),
    };
    let endpoints = courier.platform.carriers()?;
    let account = channel.account(&settings, &endpoints);
    let conclusion = Conclusion {
        delivery,
        channel: &channel,
        to: outgoing.to,
    };
    let prepared = match sender.prepare(&account, &outgoing) {
        Ok(prepared) => prepared,
        Err(outcome) => {
            conclusion.of(*message.state, &outcome).await?;
            return Ok(Attempt::Over);
        }
    };
    if !is_admitted && limits::admit(courier, delivery, &channel, &message, deadline).await? {
        return Ok(Attempt::Waited);
    }
    if *message.state == MessageState::Queued {
        claim(delivery).await?;
    }
    let limit = deadline.remaining().min(CALL);
    let outcome = sender.send(prepared, limit).await;
    if outcome == Outcome::Unknown && sender.repetition_is_harmless() {
        // It stays claimed: the next attempt asks again, and the carrier drops what it has.
        return Err(DeliveryError::NotNow);
    }
    conclusion.of(MessageState::Sending, &outcome).await?;
    Ok(Attempt::Over)
}

/// Why a message does not leave after all: whatever was decided since it was written.
async fn last_check(
    delivery: &Delivery<'_>,
    (state, processing): (ConversationState, Processing),
    message: &Message,
    channel: &OpenChannel,
    reach: Option<&Reach>,
) -> Result<Option<Settled>, DeliveryError> {
    let is_asked_for = *message.asked_for == Some(true);
    if is_overruled(state, *message.author) && !is_asked_for {
        return Ok(Some(Settled::of(MessageState::Canceled)));
    }
    if !processing.may_send() {
        return Ok(Some(Settled::restricted()));
    }
    if !channel.may_send() {
        return Ok(Some(Settled::refused(Failure::ChannelClosed)));
    }
    if let (Some(means), Some(reach)) = (Means::of(*channel.channel.kind), reach)
        && delivery.scope.is_suppressed(means, &reach.address).await?
        && !is_allowed_all_the_same(means, message)
    {
        return Ok(Some(opted_out()));
    }
    Ok(None)
}

/// The person wants nothing more: nobody is called for it.
fn opted_out() -> Settled {
    Settled {
        failure: Some(Failure::OptedOut),
        ..Settled::of(MessageState::Canceled)
    }
}

/// Mail that a person typed as an answer to somebody who wrote is no mailing: a withdrawal of consent ends what machines
/// send. A number that said STOP gets nothing from anybody.
fn is_allowed_all_the_same(means: Means, message: &Message) -> bool {
    means == Means::Email && *message.author == Author::Human && message.answers.is_some()
}

fn last_inbound(messages: &[Message]) -> Option<&Message> {
    let mut newest_first = messages.iter().rev();
    newest_first.find(|message| *message.direction == Direction::Inbound)
}

/// Claims a message for this attempt. A lost answer is no lost claim: the row says whose it is.
async fn claim(delivery: &Delivery<'_>) -> Result<(), DeliveryError> {
    let mut token = [0; 8];
    delivery.scope.entropy().fill(&mut token);
    let token = u64::from_be_bytes(token);
    let claim: Option<Label> = format!("{token:016x}").parse().ok();
    let set = vec![("state", json!(MessageState::Sending)), ("claim", json!(claim))];
    if delivery.move_to(MessageState::Queued, set).await?.happened() {
        return Ok(());
    }
    let found = delivery.scope.store().get_row(&delivery.row, true).await?;
    let theirs = found.and_then(|row| row.peek::<Label>("claim"));
    if claim.is_some() && theirs == claim {
        return Ok(());
    }
    Err(DeliveryError::Claimed)
}

/// Where and to whom a message went, for writing down what the carrier said.
struct Conclusion<'a> {
    delivery: &'a Delivery<'a>,
    channel: &'a OpenChannel,
    to: &'a str,
}

impl Conclusion<'_> {
    /// Writes down what the carrier said.
    async fn of(&self, from: MessageState, outcome: &Outcome) -> Result<(), DeliveryError> {
        let (delivery, scope) = (self.delivery, &self.delivery.scope);
        let Some(mut settled) = result_of(outcome) else {
            if from == MessageState::Sending {
                let after = match outcome {
                    Outcome::NotNow { after } => after.unwrap_or(limits::LATER),
                    _ => limits::LATER,
                };
                let set = vec![
                    ("state", json!(MessageState::Queued)),
                    ("waits_until", json!(scope.now().plus(after))),
                ];
                let _back = delivery.move_to(MessageState::Sending, set).await?;
            }
            return Err(DeliveryError::NotNow);
        };
        if let Outcome::Taken { id } = outcome {
            let channel = self.channel.channel.id.to_string();
            let parts = [channel.as_bytes(), id.as_bytes()];
            let hash = scope.key().hash(HashPurpose::CarrierMessage, &parts);
            settled.more.push(("carrier", json!(hash)));
            settled.more.push(("delivery", json!(Come::Accepted)));
        }
        // The carrier knows of a withdrawal that we were not told of.
        if settled.failure == Some(Failure::OptedOut)
            && let Some(means) = Means::of(*self.channel.channel.kind)
        {
            scope.suppress(means, self.to, "carrier").await?;
            settled = opted_out();
        }
        if let Some(trouble) = settled.trouble {
            mark(delivery, self.channel, trouble).await?;
        }
        delivery.settle(from, settled).await
    }
}

/// Something is wrong with the channel: it says so, and sends nothing more if its credentials are dead.
async fn mark(
    delivery: &Delivery<'_>,
    channel: &OpenChannel,
    trouble: ChannelTrouble,
) -> Result<(), StoreError> {
    let (scope, id) = (&delivery.scope, *channel.channel.id);
    let health = ChannelHealth {
        checked_at: Some(scope.now()),
        trouble: Some(trouble),
        ..channel.channel.health.unwrap_or_default()
    };
    let mut set = vec![("health", json!(health))];
    if trouble == ChannelTrouble::CredentialsRefused {
        set.push(("state", json!(ChannelState::Broken)));
    }
    let when = vec![When::Is("state", json!(ChannelState::Active))];
    let row = keys::channel(scope.tenant(), id);
    let written = scope.store().update(&row, set, when).await?;
    if written.happened() {
        tracing::error!(tenant.id = %scope.tenant(), channel.id = %id, channel.trouble = ?trouble, "a carrier refuses the channel");
    }
    Ok(())
}
