//! Figures of one day on one channel: counts alone, without anything that points at a person. Counted from what is stored,
//! once, and kept when that is gone.

use serde::{Deserialize, Serialize};

use crate::model::{Author, Decision, Direction, MessageState};
use crate::record::NotPersonal;
use crate::time::Timestamp;

/// Fewer conversations than this on one day and channel are nobody's business: their figures are not shown.
pub const MINIMUM_GROUP: u64 = 5;

/// Up to these times, in milliseconds, a response counts as one of the bucket; the last bucket has no end.
const BUCKETS: [i64; 4] = [60_000, 600_000, 3_600_000, 86_400_000];

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Conversations in which somebody wrote.
    pub conversations: u64,
    /// Messages that people wrote.
    pub inbound: u64,
    /// Messages of the AI.
    pub answered_by_ai: u64,
    /// Messages of the business's people.
    pub answered_by_human: u64,
    /// Turns that were handed over because no document holds the answer.
    pub handed_over_no_answer: u64,
    /// Turns that were handed over because somebody asked for a person.
    pub handed_over_on_request: u64,
    /// Turns that were handed over because the provider failed.
    pub handed_over_failure: u64,
    /// People who became leads.
    pub leads: u64,
    /// Responses: first answers to what somebody wrote.
    pub responses: u64,
    /// Seconds from what somebody wrote to the responses, all together.
    pub response_seconds: u64,
    /// Responses within a minute, ten minutes, an hour, a day, and later ones.
    pub response_buckets: [u64; BUCKETS.len() + 1],
}

impl NotPersonal for Figures {}

impl Figures {
    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.conversations, other.conversations),
            (&mut self.inbound, other.inbound),
            (&mut self.answered_by_ai, other.answered_by_ai),
            (&mut self.answered_by_human, other.answered_by_human),
            (&mut self.handed_over_no_answer, other.handed_over_no_answer),
            (&mut self.handed_over_on_request, other.handed_over_on_request),
            (&mut self.handed_over_failure, other.handed_over_failure),
            (&mut self.leads, other.leads),
            (&mut self.responses, other.responses),
            (&mut self.response_seconds, other.response_seconds),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
        for (sum, more) in self.response_buckets.iter_mut().zip(other.response_buckets) {
            *sum = sum.saturating_add(more);
        }
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Counts a decision of the AI. Answers are counted as messages.
    pub fn decided(&mut self, decision: Decision) {
        match decision {
            // A turn that a person overruled said nothing; what the person said is counted as theirs.
            Decision::Answered | Decision::TakenOver => {}
            Decision::HandedOverNoAnswer => self.handed_over_no_answer += 1,
            Decision::HandedOverOnRequest => self.handed_over_on_request += 1,
            Decision::HandedOverFailure => self.handed_over_failure += 1,
        }
    }

    fn responded(&mut self, after: i64) {
        self.responses += 1;
        self.response_seconds += u64::try_from(after.max(0) / 1000).unwrap_or_default();
        let bucket = BUCKETS.iter().filter(|limit| after > **limit).count();
        if let Some(count) = self.response_buckets.get_mut(bucket) {
            *count += 1;
        }
    }
}

/// What counting needs to know of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Inbound or outbound.
    pub direction: Direction,
    /// Who wrote it.
    pub author: Author,
    /// Where it is.
    pub state: MessageState,
    /// When it was written.
    pub at: Timestamp,
    /// A machine sent it, or the channel is paused: nothing to answer.
    pub unattended: bool,
}

/// Counts the messages of one conversation from `since` on, by day. `messages` are in order and go back at least a day
/// further: that is what a response answers, and what says whether a conversation is counted for the day already.
pub fn count(messages: &[Seen], since: Timestamp) -> Vec<(i64, Figures)> {
    let mut days: Vec<(i64, Figures)> = Vec::new();
    let (mut waiting, mut counted_for): (Option<Timestamp>, Option<i64>) = (None, None);
    for message in messages {
        let day = message.at.day();
        let mut ignored = Figures::default();
        let figures = if message.at < since {
            &mut ignored
        } else {
            if days.last().is_none_or(|(last, _)| *last != day) {
                days.push((day, Figures::default()));
            }
            days.last_mut().map_or(&mut ignored, |(_, figures)| figures)
        };
        match (message.direction, message.author) {
            (Direction::Inbound, _) if !message.unattended => {
                figures.inbound += 1;
                if counted_for != Some(day) {
                    figures.conversations += 1;
                    counted_for = Some(day);
                }
                waiting = waiting.or(Some(message.at));
            }
            (Direction::Outbound, Author::Ai | Author::Human) if left(message.state) => {
                if message.author == Author::Ai {
                    figures.answered_by_ai += 1;
                } else {
                    figures.answered_by_human += 1;
                }
                if let Some(asked) = waiting.take() {
                    figures.responded(message.at.millis().saturating_sub(asked.millis()));
                }
            }
            _ => {}
        }
    }
    days.retain(|(_, figures)| !figures.is_empty());
    days
}

/// Whether a message reached anybody, as far as is known.
const fn left(state: MessageState) -> bool {
    !matches!(state, MessageState::Canceled | MessageState::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn seen(at: i64, author: Author) -> Seen {
        let inbound = author == Author::Contact;
        Seen {
            direction: if inbound {
                Direction::Inbound
            } else {
                Direction::Outbound
            },
            author,
            state: if inbound {
                MessageState::Received
            } else {
                MessageState::Sent
            },
            at: Timestamp::from_millis(at),
            unattended: false,
        }
    }

    #[test]
    fn a_response_is_the_first_answer_to_the_oldest_message_that_waits() {
        use Author::{Ai, Contact, Human, System};
        let talk = [
            seen(0, Contact),
            seen(5_000, Contact),
            seen(61_000, System),
            seen(90_000, Ai),
            seen(91_000, Human),
            seen(100_000, Contact),
            seen(130_000, Human),
        ];
        let counted = count(&talk, Timestamp::from_millis(0));
        let expected = Figures {
            conversations: 1,
            inbound: 3,
            answered_by_ai: 1,
            answered_by_human: 2,
            responses: 2,
            response_seconds: 120,
            response_buckets: [1, 1, 0, 0, 0],
            ..Figures::default()
        };
        assert_eq!(counted, [(0, expected)]);
    }

    #[test]
    fn counting_in_two_parts_is_counting_once() {
        let talk: Vec<Seen> = (0..200)
            .map(|number| {
                let author = [Author::Contact, Author::Ai, Author::Contact, Author::Human];
                let author = author.into_iter().cycle().nth(number).unwrap_or(Author::Contact);
                let at = i64::try_from(number).unwrap_or_default() * 1_234_567;
                seen(at, author)
            })
            .collect();
        let sum = |parts: &[Vec<(i64, Figures)>]| {
            let mut days = std::collections::BTreeMap::<i64, Figures>::new();
            for (day, figures) in parts.iter().flatten() {
                days.entry(*day).or_default().add(figures);
            }
            days
        };
        let start = Timestamp::from_millis(0);
        let whole = sum(&[count(&talk, start)]);
        assert_eq!(whole.len(), 3);
        for cut in [1, DAY / 2, DAY - 1, DAY, DAY + 1, 2 * DAY + 7] {
            let (before, context) = (Timestamp::from_millis(cut), cut - DAY);
            let first: Vec<Seen> = talk.iter().copied().filter(|one| one.at < before).collect();
            let rest: Vec<Seen> = talk
                .iter()
                .copied()
                .filter(|one| one.at.millis() >= context)
                .collect();
            assert_eq!(sum(&[count(&first, start), count(&rest, before)]), whole, "{cut}");
        }
    }

    #[test]
    fn what_a_machine_sent_and_what_never_left_is_not_counted() {
        let mut machine = seen(0, Author::Contact);
        machine.unattended = true;
        let mut canceled = seen(1, Author::Ai);
        canceled.state = MessageState::Canceled;
        assert!(count(&[machine, canceled], Timestamp::from_millis(0)).is_empty());
    }

    #[test]
    fn a_conversation_counts_once_a_day_and_slow_answers_in_their_bucket() {
        let talk = [
            seen(0, Author::Contact),
            seen(10, Author::Contact),
            seen(DAY + 1, Author::Contact),
            seen(DAY + 2, Author::Human),
        ];
        let counted = count(&talk, Timestamp::from_millis(0));
        let conversations: Vec<u64> = counted.iter().map(|(_, figures)| figures.conversations).collect();
        assert_eq!(conversations, [1, 1]);
        let buckets: Vec<_> = counted
            .iter()
            .map(|(_, figures)| figures.response_buckets)
            .collect();
        assert_eq!(buckets, [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1]]);
    }
}
