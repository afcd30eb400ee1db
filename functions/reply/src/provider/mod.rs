//! Who answers: a model behind one small trait.

pub mod builtin;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use usher_shared::knowledge::{Index, Passage};
use usher_shared::model::{PassageRef, Profile};
use usher_shared::untrusted::Label;

/// What a provider is asked.
pub struct Prompt<'a> {
    /// Name of the business it speaks for.
    pub business: &'a str,
    /// What was said before, oldest first.
    pub history: Vec<Line<'a>>,
    /// What the person wants to know now: one or several messages.
    pub question: &'a str,
    /// The tenant's documents.
    pub index: &'a Index,
    /// Passages that may hold the answer, best first.
    pub passages: Vec<&'a Passage>,
}

/// Something that was said.
pub struct Line<'a> {
    /// Whether the business said it.
    pub ours: bool,
    /// The text.
    pub text: &'a str,
}

impl fmt::Debug for Prompt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("passages", &self.passages.len())
            .finish_non_exhaustive()
    }
}

impl Prompt<'_> {
    /// The prompt as one text.
    pub fn render(&self) -> String {
        let passages = self
            .passages
            .iter()
            .map(|p| format!("\n[{}] {}\n{}\n", p.id, p.heading, p.text));
        let history = self.history.iter().map(|line| {
            let who = if line.ours { "Business" } else { "Guest" };
            format!("\n{who}: {}", line.text)
        });
        let parts: Vec<String> = passages.chain(history).collect();
        format!(
            "You answer for {}.\n{}\nGuest: {}\n",
            self.business,
            parts.concat(),
            self.question
        )
    }
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
    /// Safety flags.
    pub flags: Vec<Label>,
}

/// A provider could not answer. Carries nothing of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("provider failed: {0}")]
pub struct ProviderError(pub &'static str);

/// Somebody who answers.
pub trait Provider: Send + Sync {
    /// The provider's name.
    fn name(&self) -> &'static str;

    /// The model's name and version.
    fn model(&self) -> &'static str;

    /// What this provider is sent for `prompt`: kept in the trace, so it must be neither more nor less.
    fn sent(&self, prompt: &Prompt<'_>) -> String {
        prompt.render()
    }

    /// Answers, or says that a person should.
    fn reply<'a>(
        &'a self,
        prompt: &'a Prompt<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, ProviderError>> + Send + 'a>>;
}
