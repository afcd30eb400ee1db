//! How much leaves by one channel. What is too much waits here, where it can still be stopped: first in the function,
//! if it is a matter of seconds, then in the queue.

use std::time::Duration;

use serde_json::json;
use usher_aws::channels::OpenChannel;
use usher_aws::deadline::Deadline;
use usher_shared::rate::{Class, Wait};
use usher_shared::records::Message;

use crate::Courier;
use crate::delivery::{CALL, Delivery, DeliveryError};

/// A message waits at most this often within one invocation: several that wait for one channel race for its tokens.
const TURNS: usize = 10;
/// Time that is left for everything but the waiting and the call.
const REST: Duration = Duration::from_secs(2);
/// When the queue brings a job again that nobody asked to have later.
pub(crate) const LATER: Duration = Duration::from_mins(3);

/// Waits until the channel may send one more message. Says whether that took any time.
///
/// # Errors
/// [`DeliveryError::NotNow`] if that takes longer than there is time; the message says until when it waits.
pub(crate) async fn admit(
    courier: &Courier,
    delivery: &Delivery<'_>,
    channel: &OpenChannel,
    message: &Message,
    deadline: Deadline,
) -> Result<bool, DeliveryError> {
    let class = Class::Sends(*channel.channel.kind);
    let id = channel.channel.id.to_string();
    let mut wait = Duration::ZERO;
    for _ in 0..TURNS {
        let admitted = courier
            .platform
            .admit(&delivery.scope, class, &[id.as_bytes()])
            .await;
        match admitted {
            Ok(()) => return Ok(!wait.is_zero()),
            Err(Wait(needed)) => wait = needed,
        }
        if wait > deadline.remaining().saturating_sub(CALL + REST) {
            break;
        }
        tokio::time::sleep(wait).await;
    }
    tracing::info!(
        tenant.id = %delivery.scope.tenant(),
        channel.id = id,
        wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        "the channel's limit is reached"
    );
    let until = delivery.scope.now().plus(wait.max(LATER));
    let waits = vec![("waits_until", json!(until))];
    let _moved_on = delivery.move_to(*message.state, waits).await?;
    Err(DeliveryError::NotNow)
}
