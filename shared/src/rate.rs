//! Rate limits: how much of what one sender may ask, and the arithmetic of a token bucket.
//!
//! A bucket is one number: the moment at which it is full again. A token is `interval` of time; taking tokens
//! moves that moment on, and it may lie at most `burst` intervals ahead. So an untouched bucket needs no
//! upkeep, and a bucket that nobody remembers is full, which is right.

use std::time::Duration;

use crate::channel::ChannelKind;
use crate::record::NotPersonal;
use crate::time::Timestamp;

/// What is limited, each on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Requests to the API by one key.
    Api,
    /// Sessions that one address opens on one chat.
    ChatSessions,
    /// Messages that one address posts to one chat.
    ChatMessages,
    /// Looks for answers by one address at one chat.
    ChatAnswers,
    /// Forms that one address posts to one channel.
    FormPosts,
    /// Looks by one address at what became of requests of privacy.
    PrivacyStatus,
    /// Messages that leave by one channel of this kind.
    Sends(ChannelKind),
    /// Turns of the AI in one conversation.
    TurnsInConversation,
    /// Turns of the AI with one contact.
    TurnsWithContact,
    /// Turns of the AI for one tenant.
    Turns,
    /// Tokens that models read and write for one tenant, in thousands.
    ModelTokens,
}

impl NotPersonal for Class {}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// One token comes back in this time.
    pub interval: Duration,
    /// Tokens of a full bucket.
    pub burst: u32,
    /// Tokens that one instance takes at once and spends from memory. Several instances together may let
    /// through up to this many each beyond the burst.
    pub lease: u32,
    /// Tokens that an instance has taken and not spent within this time are forgotten, so that senders who come rarely
    /// gather none; and an instance that has not seen a sender for so long lets a lease through without asking.
    pub life: Duration,
}

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

impl Class {
    /// Every class.
    pub const ALL: [Self; 18] = [
        Self::Api,
        Self::ChatSessions,
        Self::ChatMessages,
        Self::ChatAnswers,
        Self::FormPosts,
        Self::PrivacyStatus,
        Self::Sends(ChannelKind::WebChat),
        Self::Sends(ChannelKind::Form),
        Self::Sends(ChannelKind::Email),
        Self::Sends(ChannelKind::Sms),
        Self::Sends(ChannelKind::Voice),
        Self::Sends(ChannelKind::Messenger),
        Self::Sends(ChannelKind::Instagram),
        Self::Sends(ChannelKind::Whatsapp),
        Self::TurnsInConversation,
        Self::TurnsWithContact,
        Self::Turns,
        Self::ModelTokens,
    ];

    /// The class as part of what is hashed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::ChatSessions => "chat-sessions",
            Self::ChatMessages => "chat-messages",
            Self::ChatAnswers => "chat-answers",
            Self::FormPosts => "form-posts",
            Self::PrivacyStatus => "privacy-status",
            // The channel's id is hashed with it.
            Self::Sends(_) => "sends",
            Self::TurnsInConversation => "turns-in-conversation",
            Self::TurnsWithContact => "turns-with-contact",
            Self::Turns => "turns",
            Self::ModelTokens => "model-tokens",
        }
    }

    /// The class's limit.
    pub const fn limit(self) -> Limit {
        match self {
            // 50 a second is more than any inbox that people look at needs, and half of what the gateway lets
            // through for all tenants together; the burst lets an integration read its lists once.
            Self::Api => Limit {
                interval: Duration::from_millis(20),
                burst: 300,
                lease: 25,
                life: MINUTE,
            },
            // 30 a minute. A page opens one session a visitor and keeps it for a month; a hotel or an office
            // is many visitors behind one address, who may all arrive at once.
            Self::ChatSessions => Limit {
                interval: Duration::from_secs(2),
                burst: 60,
                lease: 5,
                life: MINUTE,
            },
            // 20 a minute: every message may cost a model's answer. The burst is for the same hotel.
            Self::ChatMessages => Limit {
                interval: Duration::from_secs(3),
                burst: 60,
                lease: 5,
                life: MINUTE,
            },
            // 5 a second: ten visitors behind one address who each look every two seconds.
            Self::ChatAnswers => Limit {
                interval: Duration::from_millis(200),
                burst: 300,
                lease: 20,
                life: MINUTE,
            },
            // 6 a minute: nobody fills in forms faster, and every one may cost a mail. The burst is for the same hotel.
            Self::FormPosts => Limit {
                interval: Duration::from_secs(10),
                burst: 30,
                lease: 5,
                life: MINUTE,
            },
            // Six a minute: a person looks now and then, and a code of 100 bits is not guessed in any case.
            Self::PrivacyStatus => Limit {
                interval: Duration::from_secs(10),
                burst: 30,
                lease: 5,
                life: MINUTE,
            },
            Self::Sends(kind) => sends(kind),
            // Leases are long, so that counting costs an ordinary conversation nothing: an instance that is new to it lets
            // that many through.
            // Nobody asks more of one conversation; whoever does wants something else, and gets a person. A bucket is one
            // of a day: 60 turns and what comes back, 72 more.
            Self::TurnsInConversation => daily(Duration::from_mins(20), 60, 20),
            // A contact may have several conversations: mail threads, forms.
            Self::TurnsWithContact => daily(Duration::from_mins(10), 100, 25),
            // 2,000 at once is a bad day of a large business; 10,640 within a day is somebody else's doing.
            Self::Turns => daily(Duration::from_secs(10), 2_000, 20),
            // Five million tokens, and 8.6 million that come back within the day: about 4,500 tokens a turn.
            Self::ModelTokens => daily(Duration::from_secs(10), 5_000, 100),
        }
    }
}

/// A budget of a day. Its leases live as long: a minute's worth of forgetting would let through whoever asks slowly.
const fn daily(interval: Duration, burst: u32, lease: u32) -> Limit {
    Limit {
        interval,
        burst,
        lease,
        life: DAY,
    }
}

/// What leaves by one channel: below what its carrier takes, so that what has to wait waits here, where it can still be
/// stopped.
const fn sends(kind: ChannelKind) -> Limit {
    let (millis, burst, lease) = match kind {
        // One segment a second is what a long code sends. Twilio would queue the rest for hours, and what it has queued
        // leaves after a STOP.
        ChannelKind::Sms | ChannelKind::Voice => (1_000, 30, 10),
        // Resend takes two requests a second of one account; a new SES account sends one.
        ChannelKind::Email | ChannelKind::Form => (500, 20, 10),
        // 80 a second is where a number begins, beside one every six seconds to the same person.
        ChannelKind::Whatsapp => (25, 80, 20),
        // Text at 300 a second a page, media at 10; an Instagram account 100 and 10.
        ChannelKind::Messenger | ChannelKind::Instagram => (100, 50, 20),
        // Nothing leaves: people come and fetch.
        ChannelKind::WebChat => (1, 1_000, 1_000),
    };
    Limit {
        interval: Duration::from_millis(millis),
        burst,
        lease,
        life: MINUTE,
    }
}

/// Tokens that were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many: one at least.
    pub tokens: u32,
    /// When the bucket is full again.
    pub full_at: Timestamp,
}

/// There was no token; there is one after this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl Wait {
    /// The wait in whole seconds, one at least: the value of `Retry-After`.
    pub fn seconds(self) -> u64 {
        let whole = self.0.as_secs();
        (if self.0.subsec_nanos() == 0 {
            whole
        } else {
            whole + 1
        })
        .max(1)
    }
}

impl Limit {
    /// Takes up to a lease of tokens from a bucket that is full at `full_at`.
    ///
    /// # Errors
    /// [`Wait`] if there is none.
    pub fn take(self, full_at: Timestamp, now: Timestamp) -> Result<Taken, Wait> {
        let interval = millis(self.interval).max(1);
        let depth = interval.saturating_mul(i64::from(self.burst));
        let ahead = full_at.millis().saturating_sub(now.millis()).max(0);
        // No clock that was right has written this: locking somebody out for days would be worse.
        let ahead = if ahead > depth.saturating_mul(2) { 0 } else { ahead };
        let left = depth.saturating_sub(ahead) / interval;
        let tokens = u32::try_from(left.clamp(0, i64::from(self.lease.max(1)))).unwrap_or(0);
        if tokens == 0 {
            let wait = ahead.saturating_add(interval).saturating_sub(depth);
            return Err(Wait(Duration::from_millis(u64::try_from(wait).unwrap_or(1))));
        }
        let full_at = now.millis() + ahead + interval * i64::from(tokens);
        Ok(Taken {
            tokens,
            full_at: Timestamp::from_millis(full_at),
        })
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    const LIMIT: Limit = Limit {
        interval: Duration::from_secs(2),
        burst: 4,
        lease: 3,
        life: MINUTE,
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 + millis)
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let first = LIMIT.take(at(-5_000), at(0)).unwrap();
        assert_eq!((first.tokens, first.full_at), (3, at(6_000)));
        let second = LIMIT.take(first.full_at, at(0)).unwrap();
        assert_eq!((second.tokens, second.full_at), (1, at(8_000)));
        let wait = LIMIT.take(second.full_at, at(0)).unwrap_err();
        assert_eq!((wait.0, wait.seconds()), (Duration::from_secs(2), 2));
        let wait = LIMIT.take(second.full_at, at(1_999)).unwrap_err();
        assert_eq!((wait.0, wait.seconds()), (Duration::from_millis(1), 1));
        assert_eq!(LIMIT.take(second.full_at, at(2_000)).unwrap().tokens, 1);
    }

    #[test]
    fn a_clock_that_was_wrong_locks_nobody_out() {
        assert_eq!(LIMIT.take(at(86_400_000), at(0)).unwrap().tokens, 3);
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_came_back(steps in prop::collection::vec(0_i64..5_000, 1..80)) {
            let (mut now, mut full_at, mut taken) = (0, at(0), 0_i64);
            for step in steps {
                now += step;
                if let Ok(more) = LIMIT.take(full_at, at(now)) {
                    full_at = more.full_at;
                    taken += i64::from(more.tokens);
                }
                prop_assert!(taken <= 4 + now / 2_000);
            }
        }

        #[test]
        fn after_the_wait_there_is_a_token(ahead in 0_i64..16_000, class in 0_usize..Class::ALL.len()) {
            for limit in [LIMIT, Class::ALL.get(class).unwrap().limit()] {
                if let Err(wait) = limit.take(at(ahead), at(0)) {
                    let then = at(0).plus(wait.0);
                    prop_assert!(limit.take(at(ahead), then).is_ok());
                }
            }
        }
    }
}
