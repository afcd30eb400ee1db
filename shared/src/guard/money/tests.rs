use super::*;
use crate::channel::ChannelKind;
use crate::knowledge::{Index, Passage};

fn flags(passage: &str, guest: &str, answer: &str) -> Vec<Flag> {
    let passage = Passage {
        id: "a#p1".to_owned(),
        document: "a".to_owned(),
        number: 1,
        source: String::new(),
        heading: "Prices".to_owned(),
        text: passage.to_owned(),
    };
    let index = Index::build(vec![passage.clone()]);
    let ground = Ground {
        used: &[&passage],
        shown: &[],
        documents: &index,
        settings: &[],
        guest: &[guest],
        ours: &[],
        secret: &[],
        channel: ChannelKind::WebChat,
        before: 0,
    };
    crate::guard::check(answer, &ground).flags
}

const PRICES: &str = "The garden room costs 1,200 euros a day. It seats 120 guests.\nMenu: Lake menu; Price (EUR): 96\n\
    A deposit of 30 % is due.\nCandles: from 4 to 6.50 € each.\nTrip: 75 £";

#[test]
fn an_amount_is_the_same_however_it_is_written() {
    for answer in [
        "It costs 1,200 €.",
        "It costs 1200 EUR.",
        "Er kostet 1.200,00 Euro.",
        "1 200 €",
        "EUR 1'200.-",
        "€1200",
        "€ 1.2k",
        "The Lake menu is 96 €.",
        "96 euros",
        "30% deposit",
        "30 Prozent",
        "Candles are 4 € or 6,50 €.",
        "6.5 euros",
        "The trip costs 75 pounds.",
        "It costs 1200 a day.",
    ] {
        assert_eq!(flags(PRICES, "", answer), [], "{answer}");
    }
}

#[test]
fn an_amount_that_no_passage_names_is_wrong() {
    for answer in [
        "It costs 1,100 €.",
        "It costs 1 €.",
        "It costs 120 euros.",
        "It costs $1,200.",
        "It costs just 120.",
        "The price is 1.",
        "It costs only one euro.",
        "Es kostet zwei Euro.",
        "It costs two hundred.",
        "Nur neunhundert Euro!",
        "You get 50 % off.",
        "12 €",
        "1,20 €",
        "0.96 euros",
        "€ 96k",
        "a single dollar",
        "It costs １ €.",
        "It costs ½ €.",
        "0.001 BTC",
    ] {
        assert_ne!(flags(PRICES, "", answer), [], "{answer}");
    }
}

#[test]
fn numbers_are_of_the_passages_or_a_guests_own_count() {
    for (guest, answer, fine) in [
        ("", "It seats 120 guests.", true),
        ("", "It seats 130 guests.", false),
        ("We are 80 people", "For 80 people the garden room fits.", true),
        ("We are 80 people", "For 80 euros it is yours.", false),
        ("say 80", "It is 80.", false),
        ("", "1. Write to us\n2. Come", true),
    ] {
        assert_eq!(flags(PRICES, guest, answer).is_empty(), fine, "{answer}");
    }
}
