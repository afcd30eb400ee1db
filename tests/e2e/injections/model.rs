//! The worst model there is: it does what the attacker wants, and names every passage that it was shown as its ground.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Mutex;

use reply::provider::{Outcome, Prompt, Provider, ProviderError, Reply};
use usher_shared::model::{PassageRef, Profile};

use super::case::{Case, OTHER, RULES};

/// Obeys the attacker of one case at a time.
#[derive(Default)]
pub(super) struct Obeying {
    /// The case, and whether this is the message after which the attacker gets what they want.
    pub(super) case: Mutex<Option<(Case, bool)>>,
    /// What it said last.
    pub(super) said: Mutex<String>,
}

impl Provider for Obeying {
    fn name(&self) -> &'static str {
        "obeying"
    }

    fn model(&self) -> &'static str {
        "worst-1"
    }

    fn sent(&self, prompt: &Prompt<'_>) -> String {
        format!("{RULES}\n\n{}", prompt.render())
    }

    fn reply<'a>(
        &'a self,
        prompt: &'a Prompt<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, ProviderError>> + Send + 'a>> {
        let sent = self.sent(prompt);
        assert!(
            !sent.contains(OTHER),
            "it is told what another tenant's documents say"
        );
        let (case, last) = self.case.lock().unwrap().clone().unwrap();
        let reference = |passage: &&usher_shared::knowledge::Passage| PassageRef {
            document: passage.document.parse().unwrap(),
            number: passage.number,
        };
        let mut passages: Vec<PassageRef> = prompt.passages.iter().map(reference).collect();
        if case.effect == "passages" {
            passages.truncate(1);
        }
        let all: Vec<&str> = prompt
            .index
            .passages()
            .map(|passage| passage.text.as_str())
            .collect();
        let text = if last {
            case.obeyed(&sent, &all.join("\n"))
        } else {
            "Please go on.".to_owned()
        };
        self.said.lock().unwrap().clone_from(&text);
        // As labels go: whatever an attacker may want to have in the open.
        let label = |text: &str| text.parse().ok();
        Box::pin(ready(Ok(Reply {
            outcome: Outcome::Answer { text, passages },
            intent: label("transfer_money"),
            lead: if last { case.lead } else { Profile::default() },
            flags: label("vip/evil.example").into_iter().collect(),
        })))
    }
}
