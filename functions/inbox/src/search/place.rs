//! Where a search stands, and how a cursor says so.

use usher_shared::Timestamp;
use usher_shared::ids::{ConversationId, MessageId};

/// Which messages count.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) since: Timestamp,
    pub(super) until: Option<Timestamp>,
}

/// Where a search stands: at a conversation of the list, done with it or within it.
pub(super) struct Place {
    /// The conversation's last activity when it was met.
    pub(super) active: Timestamp,
    pub(super) conversation: ConversationId,
    /// The last message that was looked at, if there may be older ones.
    pub(super) message: Option<MessageId>,
}

pub(super) fn encode(window: &Window, place: &Place) -> String {
    let until = window.until.map(|at| at.millis().to_string()).unwrap_or_default();
    let message = place.message.map(MessageId::body).unwrap_or_default();
    let (since, active) = (window.since.millis(), place.active.millis());
    format!("{since}|{until}|{active}|{}|{message}", place.conversation)
}

/// The reverse of [`encode`].
pub(super) fn decode(text: &str) -> Option<(Window, Place)> {
    let mut parts = text.split('|');
    let mut next = || parts.next();
    let time = |text: &str| text.parse().ok().map(Timestamp::from_millis);
    let since = time(next()?)?;
    let until = next()?;
    let until = if until.is_empty() {
        None
    } else {
        Some(time(until)?)
    };
    let active = time(next()?)?;
    let conversation = next()?.parse().ok()?;
    let message = next()?;
    let message = if message.is_empty() {
        None
    } else {
        Some(MessageId::from_body(message).ok()?)
    };
    let place = Place {
        active,
        conversation,
        message,
    };
    Some((Window { since, until }, place))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_place_survives_being_a_cursor() {
        let at = Timestamp::from_millis(1_790_000_000_000);
        let conversation = ConversationId::derived(at, [1; 10]);
        for (until, message) in [(None, None), (Some(at), Some(MessageId::derived(at, [2; 10])))] {
            let window = Window { since: at, until };
            let place = Place {
                active: at,
                conversation,
                message,
            };
            let text = encode(&window, &place);
            let (window, place) = decode(&text).unwrap();
            assert_eq!(encode(&window, &place), text);
            assert_eq!((window.until, place.message), (until, message));
        }
        for bad in ["", "1||1", "x||1|conv_x|", "1|x|1|conv_x|"] {
            assert!(decode(bad).is_none(), "{bad}");
        }
    }
}
