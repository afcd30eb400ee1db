use super::super::{Format, split};
use super::*;

fn index() -> Index {
    let text = "# House\n\n## Garden\n\nThe garden holds 90 guests.\n\n## Cellar\n\nWine is kept here for the guests.";
    Index::build(split("doc_1", "House", Format::Markdown, text))
}

#[test]
fn the_passage_with_the_rarer_word_comes_first() {
    let index = index();
    let hits = index.search("wine for guests in the cellar", 5);
    assert_eq!(
        hits.first().map(|hit| hit.passage.heading.as_str()),
        Some("House > Cellar")
    );
    assert!(hits.iter().all(|hit| (0.0..=1.0).contains(&hit.coverage)));
    assert!(hits.first().is_some_and(|hit| hit.coverage > 0.99));
    assert_eq!(index.search("wine guests", 1).len(), 1);
}

#[test]
fn nothing_is_found_for_nothing() {
    assert!(index().search("", 5).is_empty());
    assert!(index().search("the and of", 5).is_empty());
    assert!(index().search("helicopter", 5).is_empty());
    assert!(Index::build(Vec::new()).search("wine", 5).is_empty());
}

#[test]
fn months_between_are_found() {
    let text = "Open May to September.\n\nClosed in November.";
    let index = Index::build(split("d", "t", Format::Text, text));
    let unit = |at: usize| index.passages.first().and_then(|entry| entry.units.get(at));
    assert!(unit(0).is_some_and(|unit| index.unit_holds(unit, "july")));
    assert!(unit(1).is_some_and(|unit| !index.unit_holds(unit, "july")));
}
