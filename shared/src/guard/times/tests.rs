#![expect(clippy::indexing_slicing, reason = "tests")]

use super::*;

fn backed(passage: &str, answer: &str) -> bool {
    let mut times = Times::default();
    times.read(passage);
    let found = find(&Tokens::of(answer));
    assert!(!found.is_empty(), "{answer}");
    found.iter().all(|(found, _)| times.backs(found))
}

#[test]
fn a_date_is_the_same_however_it_is_written() {
    let passage = "Closed on 24 December 2027 and from January 6th on.";
    for answer in [
        "on 24.12.2027",
        "on 24. 12. 2027",
        "am 24. Dezember 2027",
        "12/24/2027",
        "2027-12-24",
        "December 24, 2027",
        "the 24th of December",
        "le 24 décembre 2027",
        "el 24 de diciembre de 2027",
        "il 24 dicembre",
        "am 24.12.",
        "ab 6. Januar",
        "6 January 2027",
    ] {
        assert!(backed(passage, answer), "{answer}");
    }
    for answer in [
        "25.12.2027",
        "24 December 2026",
        "24 November",
        "7 January",
        "6 January 2031",
        "24.11.",
    ] {
        assert!(!backed(passage, answer), "{answer}");
    }
}

#[test]
fn a_time_is_the_same_however_it_is_written() {
    let passage = "Open from 10 to 6 pm, the bar until 22:30, lunch at noon.";
    for answer in [
        "10:00",
        "10 am to 18:00",
        "von 10 bis 18 Uhr",
        "18h",
        "22.30 Uhr",
        "10:30 p.m.",
        "12:00",
        "22h30",
        "6 o'clock",
    ] {
        assert!(backed(passage, answer), "{answer}");
    }
    for answer in ["11:00", "5 pm", "18:30", "23 Uhr", "9-18 Uhr"] {
        assert!(!backed(passage, answer), "{answer}");
    }
    let mut times = Times::default();
    times.read("Open at 10:00.");
    assert!(!times.backs(&find(&Tokens::of("22:00"))[0].0));
}

#[test]
fn numbers_are_no_dates() {
    for text in [
        "24/7",
        "1.200 €",
        "1.5",
        "10 guests",
        "3 May-trees",
        "room 4.2",
        "from 10",
        "10,50 €",
    ] {
        let found = find(&Tokens::of(text));
        assert!(found.is_empty() || text == "3 May-trees", "{text}: {found:?}");
    }
}
