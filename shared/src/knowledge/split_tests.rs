#![expect(clippy::indexing_slicing, reason = "tests")]
use proptest::prelude::*;

use super::*;
use crate::knowledge::filling::{TARGET, WHOLE_LINE};

fn md(text: &str) -> Vec<(String, String)> {
    split("doc_1", "Title", Format::Markdown, text)
        .into_iter()
        .map(|p| (p.heading, p.text))
        .collect()
}

#[test]
fn headings_become_paths_and_the_title_is_not_repeated() {
    let found = md("# Title\nintro\n## A\none\n### B\ntwo\n## C\nthree\n");
    let headings: Vec<&str> = found.iter().map(|(heading, _)| heading.as_str()).collect();
    assert_eq!(headings, ["Title", "Title > A", "Title > A > B", "Title > C"]);
}

#[test]
fn every_table_row_carries_its_header() {
    let found = md("| Room | Price |\n|---|--:|\n| Suite | € 290 |\n| Attic | |\n\nafter");
    assert_eq!(found[0].1, "Room: Suite; Price: € 290\nRoom: Attic\nafter");
}

#[test]
fn a_list_split_in_two_repeats_its_introduction() {
    let items = "- an item that the list names\n".repeat(40);
    let found = md(&format!("It includes:\n\n{items}"));
    assert!(found.len() > 1);
    assert!(found.iter().all(|(_, text)| text.starts_with("It includes:\n")));
}

#[test]
fn a_heading_alone_is_said() {
    assert_eq!(
        md("## We are closed in May\n## Other\ntext")[0].1,
        "We are closed in May"
    );
}

#[test]
fn wrapped_lines_are_one_paragraph_and_marks_are_gone() {
    assert_eq!(
        md("a **bold**\nline\n\n> quoted\n\n```\ncode here\n```")[0].1,
        "a bold line\nquoted\ncode here"
    );
}

#[test]
fn plain_text_has_headings_in_capitals_and_keeps_lists_of_facts_apart() {
    let found = split(
        "d",
        "Partners",
        Format::Text,
        "FLOWERS\n\nNora\nTel 1\n\nMusic\n=====\n\nDJ\n",
    );
    let found: Vec<_> = found
        .iter()
        .map(|p| (p.heading.as_str(), p.text.as_str()))
        .collect();
    assert_eq!(
        found,
        [("Partners > FLOWERS", "Nora; Tel 1"), ("Partners > Music", "DJ")]
    );
}

#[test]
fn long_paragraphs_are_cut_between_sentences() {
    let text = "The garden is open for every guest until late. ".repeat(40);
    let found = md(&text);
    assert!(
        found
            .iter()
            .all(|(_, text)| text.chars().count() <= TARGET && text.ends_with('.')),
        "{found:?}"
    );
}

#[test]
fn ids_count_up_within_the_document() {
    let found = split("doc_7", "T", Format::Markdown, "# A\nx\n# B\ny");
    let ids: Vec<_> = found
        .iter()
        .map(|p| (p.id.as_str(), p.number, p.document.as_str()))
        .collect();
    assert_eq!(ids, [("doc_7#p1", 1, "doc_7"), ("doc_7#p2", 2, "doc_7")]);
}

/// Documents with the marks that steer the splitter, and anything else.
fn documents() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("# ".to_owned()),
        Just("|".to_owned()),
        Just("|---|\n".to_owned()),
        Just("- ".to_owned()),
        Just("```\n".to_owned()),
        Just("[a](".to_owned()),
        Just("<!--".to_owned()),
        Just(": \n".to_owned()),
        Just("word. ".to_owned()),
        "\\PC{0,20}",
        "[a-z ]{0,900}",
        "[é€🙂]{0,700}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_text_gives_bounded_numbered_passages(text in documents(), title in "\\PC{0,200}", markdown in any::<bool>()) {
        let format = if markdown { Format::Markdown } else { Format::Text };
        let found = split("doc", &title, format, &text);
        for (at, passage) in found.iter().enumerate() {
            prop_assert_eq!(&passage.id, &format!("doc#p{}", at + 1));
            prop_assert!(passage.text.chars().any(char::is_alphanumeric));
            prop_assert!(passage.text.chars().count() <= WHOLE_LINE + TARGET);
            prop_assert!(passage.heading.chars().count() <= 7 * (HEADING + 3));
        }
        prop_assert_eq!(&found, &split("doc", &title, format, &text));
    }

    #[test]
    fn plain_text_loses_no_word(words in proptest::collection::vec("[a-z]{1,12}[.,\n ]", 0..400)) {
        let text = words.concat();
        let letters = |text: &str| text.chars().filter(char::is_ascii_lowercase).collect::<String>();
        let found: String = split("d", "", Format::Text, &text).iter().map(|p| p.text.as_str()).collect();
        prop_assert_eq!(letters(&text), letters(&found));
    }

    #[test]
    fn any_question_gets_a_decision(text in documents(), question in "\\PC{0,200}") {
        use crate::knowledge::{Index, best_answer};
        let index = Index::build(split("d", "t", Format::Markdown, &text));
        let _ = best_answer(&index, &question);
        let hits = index.search(&question, 3);
        prop_assert!(hits.len() <= 3 && hits.iter().all(|hit| hit.score.is_finite() && hit.coverage <= 1.0));
        let first_words: String = text.chars().take(80).collect();
        let _ = best_answer(&index, &first_words);
    }
}
