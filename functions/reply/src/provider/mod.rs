//! Who answers: a model behind one small trait.

pub mod builtin;
pub mod chain;
mod wire;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use usher_aws::TenantScope;
use usher_aws::deadline::Deadline;
use usher_aws::store::{StoreError, keys};
pub use usher_models::prompt::{Business, Line};
use usher_shared::channel::ChannelKind;
use usher_shared::ids::ChannelId;
use usher_shared::intents::Intents;
use usher_shared::knowledge::{Index, Passage};
use usher_shared::model::{PassageRef, Profile, Usage};
use usher_shared::records::Assistant;
use usher_shared::untrusted::Label;

use crate::Desk;
pub use crate::heard::Heard;

/// Kept back from the invocation's time: for the look at the conversation, the trace, the message and the head.
const KEPT_BACK: Duration = Duration::from_secs(5);
/// A guest waits for models this long at most.
const LONGEST: Duration = Duration::from_secs(20);

/// What a provider is asked.
pub struct Prompt<'a> {
    /// The business that it speaks for.
    pub business: Business<'a>,
    /// What was said, of a person who may be heard.
    pub heard: Heard<'a>,
    /// What the person can be after.
    pub intents: &'a Intents,
    /// The tenant's documents.
    pub index: &'a Index,
    /// Passages that may hold the answer, best first.
    pub passages: Vec<&'a Passage>,
    /// The kind of channel that it is answered on.
    pub channel: ChannelKind,
    /// How long it may take.
    pub time: Duration,
}

impl<'a> Prompt<'a> {
    /// What the person wants to know now: one or several messages.
    pub fn question(&self) -> &str {
        self.heard.question()
    }

    /// What was said before, oldest first.
    pub fn history(&self) -> &[Line<'a>] {
        self.heard.history()
    }

    /// Characters of what is told to a model, to the nearest thousand or so.
    pub(crate) fn characters(&self) -> usize {
        let history = self.history().iter().map(|line| line.text);
        let passages = self.passages.iter().map(|passage| passage.text.as_str());
        let own = [self.business.voice, self.business.facts, self.business.hours];
        let all = history.chain(passages).chain(own).chain([self.question()]);
        all.map(|text| text.chars().count()).sum()
    }
}

impl fmt::Debug for Prompt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("passages", &self.passages.len())
            .finish_non_exhaustive()
    }
}

/// How long models may take in an invocation that has to be over by `deadline`.
pub(crate) fn time_for_models(deadline: Deadline) -> Duration {
    deadline.remaining().saturating_sub(KEPT_BACK).min(LONGEST)
}

/// What a provider decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer, and the passages it rests on.
    Answer {
        /// What to say.
        text: String,
        /// Where it is from.
        passages: Vec<PassageRef>,
    },
    /// A person should answer.
    HandOver {
        /// Whether the guest asked for one.
        on_request: bool,
    },
    /// Nobody could be asked, or nobody gave anything to use: a person should answer.
    Failed,
}

/// Who made a reply, from what: for the trace.
#[derive(Clone, PartialEq, Eq)]
pub struct Made {
    /// Who was asked.
    pub provider: Label,
    /// Which model, as the provider names what answered.
    pub model: Label,
    /// What it was sent, to the letter: neither more nor less.
    pub prompt: String,
    /// What it took.
    pub usage: Usage,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made")
            .field("provider", &self.provider)
            .field("model", &self.model)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

impl Made {
    /// Nobody was asked.
    pub(crate) fn nobody() -> Self {
        Self {
            provider: Label::near("none"),
            model: Label::near("none"),
            prompt: String::new(),
            usage: Usage::default(),
        }
    }
}

/// What went otherwise than it should on the way to a reply. Made of our own words, so that none of a model's or a
/// guest's gets into the open with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(Label);

impl Note {
    /// What went wrong.
    pub fn new(what: &'static str) -> Self {
        Self(Label::near(what))
    }

    /// What went wrong with whom.
    pub fn of(provider: &'static str, what: &'static str) -> Self {
        Self(Label::near(&format!("{provider}.{what}")))
    }

    /// The note as a trace shows it.
    pub const fn label(&self) -> &Label {
        &self.0
    }
}

/// A provider's structured result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What it decided.
    pub outcome: Outcome,
    /// What the person is after.
    pub intent: Option<Label>,
    /// What the person volunteered.
    pub lead: Profile,
    /// What went wrong on the way.
    pub notes: Vec<Note>,
    /// Who made it.
    pub made: Made,
}

/// A reply in the making.
pub type Replying<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// Somebody who answers.
pub trait Provider: Send + Sync {
    /// Answers, or says that a person should.
    fn reply<'a>(&'a self, prompt: &'a Prompt<'a>) -> Replying<'a>;

    /// Whether it asks language models, which want to know more: that costs reads.
    fn asks_models(&self) -> bool {
        false
    }
}

/// Where and for whom an answer is given.
pub(crate) struct Setting {
    /// The kind of channel.
    pub(crate) channel: ChannelKind,
    assistant: Option<Assistant>,
}

impl Setting {
    /// A setting without words of the business's own.
    #[cfg(test)]
    pub(crate) const fn on(channel: ChannelKind) -> Self {
        Self {
            channel,
            assistant: None,
        }
    }

    /// Reads it. How the business wants to sound is read only where a model is asked: it costs a read.
    pub(crate) async fn read(
        desk: &Desk,
        scope: &TenantScope,
        channel: ChannelId,
    ) -> Result<Self, StoreError> {
        let row = keys::assistant(scope.tenant());
        Ok(Self {
            channel: desk.kinds.of(scope, channel).await?,
            assistant: if desk.provider.asks_models() {
                scope.store().get(&row, scope.key(), true).await?
            } else {
                None
            },
        })
    }

    /// What the business says of itself, as something that an answer may rest on.
    pub(crate) fn passage(&self) -> Option<Passage> {
        let assistant = self.assistant.as_ref()?;
        Some(Passage {
            id: String::new(),
            document: String::new(),
            number: 0,
            source: String::new(),
            heading: String::new(),
            text: format!("{}\n{}", assistant.facts.get(), assistant.opening_hours.get()),
        })
    }

    /// The business of this name.
    pub(crate) fn business<'a>(&'a self, name: &'a str) -> Business<'a> {
        self.assistant.as_ref().map_or_else(
            || Business {
                name,
                ..Business::default()
            },
            |assistant| Business {
                name,
                voice: assistant.voice.get(),
                facts: assistant.facts.get(),
                hours: assistant.opening_hours.get(),
            },
        )
    }
}
