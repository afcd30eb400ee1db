//! How carriers deliver what a guest writes: not always once, in order, or at once.

use serde::Deserialize;

use super::Message;
use crate::clock::parse_duration_ms;

/// A webhook is delivered at most this often.
const MOST_TIMES: u32 = 16;
/// Time between two messages of one guest.
const STEP_MS: i64 = 1_000;

/// What the carrier makes of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Delivery {
    /// How often each webhook is delivered; once if it is not said.
    times: Option<u32>,
    /// How long ago it happened, such as `7d`: carriers deliver what they could not deliver then.
    late: Option<String>,
    /// What was written after it, by the same guest.
    then: Vec<String>,
    /// The newest is delivered first.
    out_of_order: bool,
}

/// The deliveries of a message, in the order in which they arrive.
///
/// # Errors
/// The field that makes no sense, and why.
pub(super) fn deliveries(
    message: &Message,
    now_ms: i64,
) -> Result<Vec<Message>, (&'static str, &'static str)> {
    let Delivery {
        times,
        late,
        then,
        out_of_order,
    } = message.delivery.clone();
    let times = times.unwrap_or(1);
    if !(1..=MOST_TIMES).contains(&times) {
        return Err(("delivery.times", "must be between 1 and 16"));
    }
    let late = late.map_or(Some(0), |late| parse_duration_ms(&late));
    let Some(late) = late else {
        return Err(("delivery.late", "must be a duration such as 90s, 12h or 7d"));
    };
    // What is delivered again is the same: it needs a name.
    let id = message.client_message_id.clone();
    let id = id.unwrap_or_else(crate::ids::random_uuid);
    let mut all = Vec::new();
    let texts = std::iter::once(message.text.clone()).chain(then);
    for (text, step) in texts.zip(0_i64..) {
        let id = if step == 0 {
            id.clone()
        } else {
            format!("{id}-{step}")
        };
        let one = Message {
            text,
            client_message_id: Some(id),
            at_ms: now_ms.saturating_sub(late).saturating_add(step * STEP_MS),
            ..message.clone()
        };
        all.push(one);
    }
    if out_of_order {
        all.reverse();
    }
    let each = |one: Message| std::iter::repeat_n(one, times as usize);
    Ok(all.into_iter().flat_map(each).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn message(delivery: &str) -> Message {
        let body = format!(r#"{{"channel":"c","from":"f","text":"one","delivery":{delivery}}}"#);
        serde_json::from_str(&body).unwrap()
    }

    #[test]
    fn what_is_repeated_is_the_same_and_what_is_late_says_when_it_was() {
        let delivery = r#"{"times":2,"late":"7d","then":["two"],"out_of_order":true}"#;
        let all = deliveries(&message(delivery), 700_000_000).unwrap();
        let texts: Vec<_> = all.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["two", "two", "one", "one"]);
        assert_eq!(all[0].client_message_id, all[1].client_message_id);
        assert_ne!(all[1].client_message_id, all[2].client_message_id);
        assert_eq!((all[2].at_ms, all[0].at_ms), (95_200_000, 95_201_000));
    }

    #[test]
    fn options_that_make_no_sense_are_refused_by_name() {
        for (delivery, field) in [
            (r#"{"times":0}"#, "delivery.times"),
            (r#"{"times":17}"#, "delivery.times"),
            (r#"{"late":"soon"}"#, "delivery.late"),
        ] {
            assert_eq!(deliveries(&message(delivery), 0).unwrap_err().0, field);
        }
    }
}
