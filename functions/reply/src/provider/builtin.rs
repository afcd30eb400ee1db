//! The built-in provider: no key, no network. It answers with the tenant's own passages where they match,
//! and hands over where they do not: a wrong price is worse than a person's answer a little later.

use std::future::ready;

use usher_shared::knowledge::{Decision, HandOverReason, Index, Passage, best_answer};
use usher_shared::lead;
use usher_shared::model::{PassageRef, Usage};
use usher_shared::untrusted::Label;

use super::{Made, Outcome, Prompt, Provider, Reply, Replying};

/// Longer answers are cut at a passage's end.
const ANSWER_CHARS: usize = 1_800;

const GREETING: &str = "Hello! How can we help you?";

/// The built-in provider.
#[derive(Clone, Copy, Debug)]
pub struct Builtin;

impl Provider for Builtin {
    fn reply<'a>(&'a self, prompt: &'a Prompt<'a>) -> Replying<'a> {
        Box::pin(ready(decide(prompt)))
    }
}

fn decide(prompt: &Prompt<'_>) -> Reply {
    let outcome = match best_answer(prompt.index, prompt.question()) {
        Decision::Answer { passages, .. } => answer_from(&passages, prompt.question()),
        Decision::HandOver {
            reason: HandOverReason::Empty,
        } => Outcome::Answer {
            text: GREETING.to_owned(),
            passages: Vec::new(),
        },
        Decision::HandOver { reason } => Outcome::HandOver {
            on_request: reason == HandOverReason::AskedForHuman,
        },
    };
    Reply {
        outcome,
        intent: prompt.intents.told_by(prompt.question()).cloned(),
        lead: lead::volunteered(prompt.question()),
        notes: Vec::new(),
        // Nothing is sent anywhere. It reads the question, and searches the documents itself: what it found stands in
        // the trace by its ids.
        made: Made {
            provider: Label::near("builtin"),
            model: Label::near("passages-1"),
            prompt: prompt.question().to_owned(),
            usage: Usage::default(),
        },
    }
}

fn answer_from(passages: &[&Passage], question: &str) -> Outcome {
    let (mut text, mut used) = (String::new(), Vec::new());
    for passage in passages {
        let room = text.is_empty() || text.chars().count() + passage.text.chars().count() < ANSWER_CHARS;
        if let (true, Ok(document)) = (room, passage.document.parse()) {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(&to_the_point(passage, question));
            used.push(PassageRef {
                document,
                number: passage.number,
            });
        }
    }
    if used.is_empty() {
        Outcome::HandOver { on_request: false }
    } else {
        Outcome::Answer { text, passages: used }
    }
}

/// The lines of a passage that hold as much of the question as the best of them: of a price list one row,
/// not the page. A passage of which no line stands out is given whole.
fn to_the_point(passage: &Passage, question: &str) -> String {
    let lines: Vec<&str> = passage
        .text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let as_passages = lines.iter().zip(0..).map(|(line, number)| Passage {
        id: String::new(),
        document: String::new(),
        number,
        source: String::new(),
        heading: String::new(),
        text: (*line).to_owned(),
    });
    let index = Index::build(as_passages.collect());
    let hits = index.search(question, lines.len());
    let best = hits.iter().map(|hit| hit.coverage).fold(0.0, f32::max);
    let chosen: Vec<u32> = hits
        .iter()
        .filter(|hit| hit.coverage >= best)
        .map(|hit| hit.passage.number)
        .collect();
    if best <= 0.0 || chosen.len() * 2 > lines.len() {
        return passage.text.clone();
    }
    let kept = lines
        .iter()
        .zip(0..)
        .filter(|(_, number)| chosen.contains(number))
        .map(|(line, _)| *line);
    kept.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::provider::{Business, Heard};
    use usher_shared::Timestamp;
    use usher_shared::ids::DocumentId;
    use usher_shared::intents::Intents;
    use usher_shared::knowledge::{Format, split};

    fn ask(question: &'static str) -> Reply {
        let document = DocumentId::derived(Timestamp::from_millis(1), [1; 10]).to_string();
        let text = "# Prices\n\n## Room hire\n\nThe garden room costs 900 euros a day.\n\n## Parking\n\nParking is free for guests.";
        let index = Index::build(split(&document, "Prices", Format::Markdown, text));
        let prompt = Prompt {
            business: Business {
                name: "Villa",
                ..Business::default()
            },
            heard: Heard::ours(question, vec![]),
            intents: &Intents::default(),
            index: &index,
            passages: vec![],
            channel: usher_shared::channel::ChannelKind::WebChat,
            time: std::time::Duration::ZERO,
        };
        decide(&prompt)
    }

    #[test]
    fn answers_with_the_passage_that_matches_and_names_it() {
        let reply = ask("How much does the garden room cost?");
        let Outcome::Answer { text, passages } = reply.outcome else {
            unreachable!("{reply:?}")
        };
        assert!(text.contains("900 euros"), "{text}");
        assert_eq!(passages.len(), 1);
        assert_eq!(reply.intent.unwrap().as_str(), "pricing_inquiry");
    }

    #[test]
    fn of_a_price_list_it_gives_the_row_that_was_asked_for() {
        let document = DocumentId::derived(Timestamp::from_millis(1), [1; 10]).to_string();
        let text = "# Menus\n\n| Menu | Price |\n|---|---|\n| Garden menu | 78 euros |\n| Lake menu | 96 euros |\n| Children's menu | 28 euros |\n";
        let passages = split(&document, "Prices", Format::Markdown, text);
        let answer = to_the_point(&passages[0], "How much is the Lake menu?");
        assert!(answer.contains("Lake menu") && answer.contains("96"), "{answer}");
        assert!(!answer.contains("Garden") && !answer.contains("28"), "{answer}");
        assert_eq!(to_the_point(&passages[0], "What do you cook?"), passages[0].text);
    }

    #[test]
    fn hands_over_what_no_document_says_and_whoever_asks_for_a_person() {
        assert_eq!(
            ask("Do you have a helicopter pad?").outcome,
            Outcome::HandOver { on_request: false }
        );
        assert_eq!(
            ask("Can I talk to a human please?").outcome,
            Outcome::HandOver { on_request: true }
        );
    }

    #[test]
    fn a_greeting_is_greeted() {
        assert_eq!(
            ask("Hello").outcome,
            Outcome::Answer {
                text: GREETING.to_owned(),
                passages: vec![]
            }
        );
    }
}
