//! Ordinary good answers are not kept back: the bound is a figure, and so is what it was last.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use super::*;
use crate::knowledge::{Format, split};

const ANSWERS: &str = include_str!("../../../tests/vectors/guard/good_answers.tsv");

/// The demo's documents.
fn passages() -> Vec<Passage> {
    let markdown = [
        ("Price list", include_str!("../../../infra/local/demo/prices.md")),
        ("FAQ", include_str!("../../../infra/local/demo/faq.md")),
        ("Menus", include_str!("../../../infra/local/demo/menus.md")),
        (
            "Floor plan",
            include_str!("../../../infra/local/demo/floor-plan.md"),
        ),
    ];
    let mut passages: Vec<Passage> = markdown
        .into_iter()
        .flat_map(|(title, text)| split(title, title, Format::Markdown, text))
        .collect();
    let partners = include_str!("../../../infra/local/demo/partners.txt");
    passages.extend(split("Partners", "Partners", Format::Text, partners));
    passages
}

#[test]
fn ordinary_good_answers_are_sent() {
    let passages = passages();
    let index = Index::build(passages.clone());
    let rows: Vec<&str> = ANSWERS.lines().filter(|line| !line.starts_with('#')).collect();
    let (mut stopped, mut cleaned) = (Vec::new(), 0);
    for row in &rows {
        let [channel, guest, headings, answer] = row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let wanted: Vec<&str> = headings
            .split(" + ")
            .filter(|heading| !heading.is_empty())
            .collect();
        let used: Vec<&Passage> = passages
            .iter()
            .filter(|passage| wanted.iter().any(|heading| passage.heading.contains(heading)))
            .collect();
        for heading in &wanted {
            assert!(
                used.iter().any(|passage| passage.heading.contains(heading)),
                "no passage: {heading}"
            );
        }
        let mut shown = used.clone();
        shown.extend(index.search(guest, 5).into_iter().map(|hit| hit.passage));
        let answer = answer.replace("\\n", "\n");
        let checked = check(
            &answer,
            &Ground {
                used: &used,
                shown: &shown,
                documents: &index,
                settings: &["Villa Aurelia"],
                guest: &[guest],
                ours: &[],
                secret: &[
                    "You answer for Villa Aurelia. Use the passages alone, and hand over what they do not say.",
                ],
                channel: serde_json::from_value(channel.into()).unwrap_or_else(|_| panic!("{channel}")),
                before: 0,
            },
        );
        match checked.verdict {
            Verdict::HandOver => stopped.push(format!("{answer}: {:?}", checked.flags)),
            Verdict::Cleaned(_) => cleaned += 1,
            Verdict::AsIs => {}
        }
    }
    println!(
        "{} good answers, {} stopped, {cleaned} cleaned\n{}",
        rows.len(),
        stopped.len(),
        stopped.join("\n")
    );
    assert!(rows.len() >= 60);
    assert!(stopped.is_empty(), "wrongly stopped");
}
