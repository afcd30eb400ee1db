//! What a model hears of a conversation. A person who objected to an AI's reading along is heard by none (RGT-03): what
//! is heard is made of a [`Readable`] alone, which there is only of those who did not object.

use std::borrow::Cow;
use std::fmt;

use usher_aws::conversation::Readable;
use usher_models::prompt::Line;
use usher_shared::ids::MessageId;
use usher_shared::model::Direction;
use usher_shared::records::Message;

/// Words that a model may hear.
///
/// There is no way around a [`Readable`]. Neither by putting the parts together:
///
/// ```compile_fail,E0451
/// let text = String::from("what somebody wrote");
/// let heard = reply::provider::Heard { history: Vec::new(), question: text.into() };
/// ```
///
/// nor with words that are not our own:
///
/// ```compile_fail,E0597
/// fn ask(heard: reply::provider::Heard<'static>) {}
/// let text = String::from("what somebody wrote");
/// ask(reply::provider::Heard::ours(&text, Vec::new()));
/// ```
///
/// Our own, which stand in the program, may be heard:
///
/// ```
/// let heard = reply::provider::Heard::ours("Is there parking?", Vec::new());
/// assert_eq!(heard.question(), "Is there parking?");
/// ```
pub struct Heard<'a> {
    history: Vec<Line<'a>>,
    question: Cow<'a, str>,
}

impl<'a> Heard<'a> {
    /// Of what may be read: these messages as the question, those as what was said before.
    pub fn of(readable: &'a Readable, asked: &[MessageId], before: &[MessageId]) -> Self {
        let messages = readable.messages();
        let named = |ids: &[MessageId], message: &Message| ids.contains(&message.id);
        let question = messages.iter().filter(|message| named(asked, message));
        let question: Vec<&str> = question.map(|message| message.body.get().text.as_str()).collect();
        let history = messages.iter().filter(|message| named(before, message));
        Self {
            question: question.join("\n").into(),
            history: history
                .map(|message| Line {
                    ours: *message.direction == Direction::Outbound,
                    text: &message.body.get().text,
                })
                .collect(),
        }
    }

    /// Of words that stand in the program and are nobody's.
    pub const fn ours(question: &'static str, history: Vec<Line<'static>>) -> Self {
        Self {
            history,
            question: Cow::Borrowed(question),
        }
    }

    /// What the person wants to know now: one or several messages.
    pub fn question(&self) -> &str {
        &self.question
    }

    /// What was said before, oldest first.
    pub fn history(&self) -> &[Line<'a>] {
        &self.history
    }
}

impl fmt::Debug for Heard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heard(..)")
    }
}
