//! The worst model there is: it does what the attacker wants, and names every passage that it was shown as its ground.

use std::future::ready;
use std::sync::Mutex;

use reply::provider::{Made, Outcome, Prompt, Provider, Reply, Replying};
use usher_shared::model::{PassageRef, Profile, Usage};
use usher_shared::untrusted::Label;

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
    fn reply<'a>(&'a self, prompt: &'a Prompt<'a>) -> Replying<'a> {
        let sent = sent(prompt);
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
        Box::pin(ready(Reply {
            outcome: Outcome::Answer { text, passages },
            intent: "transfer_money".parse().ok(),
            lead: if last { case.lead } else { Profile::default() },
            notes: Vec::new(),
            made: Made {
                provider: Label::near("obeying"),
                model: Label::near("worst-1"),
                prompt: sent,
                usage: Usage::default(),
            },
        }))
    }
}

/// What a model of any maker is told.
fn sent(prompt: &Prompt<'_>) -> String {
    let passages = prompt.passages.iter();
    let passages = passages.map(|p| format!("\n[{}] {}\n{}\n", p.id, p.heading, p.text));
    let history = prompt.history().iter().map(|line| {
        let who = if line.ours { "Business" } else { "Guest" };
        format!("\n{who}: {}", line.text)
    });
    let parts: Vec<String> = passages.chain(history).collect();
    format!(
        "{RULES}\n\nYou answer for {}.\n{}\nGuest: {}\n",
        prompt.business.name,
        parts.concat(),
        prompt.question()
    )
}
