//! The decision, measured on the demo venue: questions as guests write them, with what should come of them.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

use super::{Decision, Format, HandOverReason, Index, best_answer, split};

const QUESTIONS: &str = include_str!("venue_questions.tsv");

fn venue() -> Index {
    let documents = [
        (
            "doc_menus",
            "Menus",
            Format::Markdown,
            include_str!("../../../infra/local/demo/menus.md"),
        ),
        (
            "doc_prices",
            "Price list",
            Format::Markdown,
            include_str!("../../../infra/local/demo/prices.md"),
        ),
        (
            "doc_plan",
            "Floor plan",
            Format::Markdown,
            include_str!("../../../infra/local/demo/floor-plan.md"),
        ),
        (
            "doc_faq",
            "Frequently asked questions",
            Format::Markdown,
            include_str!("../../../infra/local/demo/faq.md"),
        ),
        (
            "doc_partners",
            "Partners",
            Format::Text,
            include_str!("../../../infra/local/demo/partners.txt"),
        ),
    ];
    Index::build(
        documents
            .iter()
            .flat_map(|(id, title, format, text)| split(id, title, *format, text))
            .collect(),
    )
}

/// Question and expected last heading; `None` for a hand-over.
fn labelled() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    QUESTIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (question, heading) = line.split_once('\t').unwrap();
            (question, Some(heading).filter(|heading| *heading != "-"))
        })
}

#[test]
fn the_venues_questions_are_answered_or_handed_over() {
    let index = venue();
    let (mut answerable, mut right, mut wrong, mut open, mut answered) = (0, 0, 0, 0, 0);
    for (question, expected) in labelled() {
        let decision = best_answer(&index, question);
        let found = match &decision {
            Decision::Answer { passages, .. } => passages
                .first()
                .and_then(|passage| passage.heading.rsplit(" > ").next()),
            Decision::HandOver { .. } => None,
        };
        match (expected, found) {
            (Some(expected), Some(found)) if expected == found => right += 1,
            (Some(_), Some(_)) => wrong += 1,
            (None, Some(_)) => answered += 1,
            _ => {}
        }
        answerable += u32::from(expected.is_some());
        open += u32::from(expected.is_none());
        if found != expected {
            println!("{question}: expected {expected:?}, got {found:?}");
        }
    }
    let handed_over = open - answered + (answerable - right - wrong);
    println!("answerable {answerable}: recall@1 {right}, wrong passage {wrong}");
    println!(
        "hand-over {open}: answered {answered}; of {handed_over} hand-overs {} were due",
        open - answered
    );
    assert!(
        answerable >= 40 && open * 2 >= answerable,
        "the set is too small to say anything"
    );
    assert!(right * 100 >= answerable * 85, "recall@1 {right} of {answerable}");
    assert!(
        answered * 10 <= open,
        "{answered} of {open} unanswerable questions were answered"
    );
    assert!(
        wrong * 20 <= answerable,
        "{wrong} of {answerable} were answered with another passage"
    );
}

#[test]
fn reasons_are_told_apart() {
    let index = venue();
    for (question, expected) in [
        ("", HandOverReason::Empty),
        ("  ?! 🙂", HandOverReason::Empty),
        ("Hello, good morning!", HandOverReason::Empty),
        (
            "Could someone call me back please?",
            HandOverReason::AskedForHuman,
        ),
        ("Posso parlare con qualcuno?", HandOverReason::AskedForHuman),
        ("Is there a helipad?", HandOverReason::NoPassage),
        ("Tell me about the villa", HandOverReason::NoPassage),
    ] {
        assert_eq!(
            best_answer(&index, question),
            Decision::HandOver { reason: expected },
            "{question}"
        );
    }
}

#[test]
fn two_questions_are_answered_only_together() {
    let index = venue();
    let Decision::Answer { passages, .. } = best_answer(&index, "Is there parking? And is there a piano?")
    else {
        unreachable!("both are in the documents")
    };
    assert_eq!(passages.len(), 2);
    let one_unknown = best_answer(&index, "Is there parking and is there a helipad?");
    assert_eq!(
        one_unknown,
        Decision::HandOver {
            reason: HandOverReason::NoPassage
        }
    );
}
