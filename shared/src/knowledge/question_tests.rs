#![expect(clippy::indexing_slicing, reason = "tests")]
use super::*;

fn subjects(text: &str) -> Vec<Vec<String>> {
    let clauses = Question::read(text).clauses;
    clauses
        .iter()
        .map(|clause| clause.subjects.iter().map(|s| s.word.clone()).collect())
        .collect()
}

#[test]
fn subjects_are_what_is_left_without_politeness() {
    for (text, expected) in [
        ("Hi! How much is the Lake menu?", vec![vec!["lake", "menu"]]),
        ("We'd love to bring our dog, is that ok?", vec![vec!["dog"]]),
        (
            "Is there parking and is there a helipad?",
            vec![vec!["parking"], vec!["helipad"]],
        ),
        (
            "How much is the Lake menu? And for children?",
            vec![vec!["lake", "menu", "children"]],
        ),
        (
            "My sister is vegan. Can you cook soup?",
            vec![vec!["cook", "soup"]],
        ),
        ("Hello, thank you!", vec![]),
        ("How much is a Friday in May?", vec![vec!["friday", "may"]]),
        ("May I come with a drone?", vec![vec!["drone"]]),
    ] {
        assert_eq!(subjects(text), expected, "{text}");
    }
}

#[test]
fn a_question_says_what_its_answer_must_contain() {
    let needs = |text: &str| Question::read(text).clauses[0].needs.clone();
    assert!(needs("What does the marquee cost?").money);
    assert!(needs("Do you charge for the projector?").money);
    assert!(!needs("Can I charge my car?").money);
    assert!(needs("How many guests fit in the hall?").number);
    assert!(needs("When is check-in?").number);
    assert!(!needs("Where do you go when it rains?").number);
    assert!(needs("How far is the station?").one_of.contains(&"km"));
}

#[test]
fn dates_are_kept_apart() {
    let question = Question::read("Is the villa free on 14th of June 2027?");
    assert!(question.asks_availability);
    assert_eq!(question.years, ["2027"]);
    assert_eq!(question.days, [("14".to_owned(), "june".to_owned())]);
    assert!(!Question::read("Is the tasting free?").asks_availability);
}

#[test]
fn spans_go_round() {
    assert_eq!(span("november", "january"), ["november", "december", "january"]);
    assert_eq!(span("monday", "wednesday"), ["monday", "tuesday", "wednesday"]);
    assert!(span("monday", "june").is_empty());
}
