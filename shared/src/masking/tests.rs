#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// Invented lines as people write them, none of which holds a card number or government id.
const ORDINARY: &str = include_str!("ordinary.txt");
/// Invented numbers in invented lines: what it is, the number, the line.
const SENSITIVE: &str = include_str!("sensitive.tsv");

const CARDS_ONLY: Masking = Masking {
    cards: true,
    government_ids: false,
};
const IDS_ONLY: Masking = Masking {
    cards: false,
    government_ids: true,
};

fn all(text: &str) -> Masked {
    mask(text, Masking::ALL)
}

#[test]
fn p_col_01_ordinary_messages_are_left_as_they_are() {
    let lines: Vec<&str> = ORDINARY.lines().collect();
    assert!(lines.len() >= 300, "{} lines", lines.len());
    let wrong: Vec<(&str, String)> = lines
        .iter()
        .map(|line| (*line, all(line).text))
        .filter(|(line, masked)| line != masked)
        .collect();
    println!(
        "masked by mistake: {} of {} ordinary lines",
        wrong.len(),
        lines.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn p_col_01_card_numbers_and_government_ids_are_masked_and_nothing_else_of_the_line() {
    let (mut total, mut missed) = (0, Vec::new());
    for line in SENSITIVE.lines() {
        let mut parts = line.splitn(3, '\t');
        let (kind, secret, text) = (
            parts.next().unwrap(),
            parts.next().unwrap(),
            parts.next().unwrap(),
        );
        total += 1;
        let digits: Vec<char> = secret.chars().filter(|&c| digit(c).is_some()).collect();
        let last: String = digits.iter().skip(digits.len().saturating_sub(4)).collect();
        let (stand_in, counts) = match kind {
            "card" => (format!("•••• {last}"), (1, 0)),
            _ => (GOVERNMENT_ID.to_owned(), (0, 1)),
        };
        let masked = all(text);
        if masked.text != text.replace(secret, &stand_in) || (masked.cards, masked.government_ids) != counts {
            missed.push((text, masked.text));
        }
    }
    println!("missed: {} of {total} sensitive lines", missed.len());
    assert!(total >= 100);
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn p_col_01_a_category_that_is_switched_off_is_kept_as_written() {
    let text = "4242 4242 4242 4242 and 219-09-9999";
    assert_eq!(all(text).text, "•••• 4242 and [••••]");
    assert_eq!(mask(text, CARDS_ONLY).text, "•••• 4242 and 219-09-9999");
    assert_eq!(mask(text, IDS_ONLY).text, "4242 4242 4242 4242 and [••••]");
    let none = Masking {
        cards: false,
        government_ids: false,
    };
    assert_eq!(mask(text, none).text, text);
}

#[test]
fn numbers_next_to_each_other_are_masked_one_by_one() {
    let table = [
        ("4242424242424242 5555555555554444", "•••• 4242 •••• 4444"),
        ("4242 4242 4242 4242 5555 5555 5555 4444", "•••• 4242 •••• 4444"),
        ("4242 4242 4242 4242 12/27 123", "•••• 4242 12/27 123"),
        ("12/27 4242 4242 4242 4242", "12/27 •••• 4242"),
        ("Visa4242424242424242exp12/27", "Visa•••• 4242exp12/27"),
        ("a\n4242424242424242\nb", "a\n•••• 4242\nb"),
        ("BSN 123456782 111222333", "BSN [••••] [••••]"),
    ];
    for (text, expected) in table {
        assert_eq!(all(text).text, expected);
    }
}

#[test]
fn what_fails_its_check_or_stands_inside_something_else_is_no_number_of_ours() {
    for text in [
        "4242 4242 4242 4243",
        "+4242 4242 4242 4242",
        "order_no4242424242424242",
        "9999 4242 4242 4242 4242",
        "0.4242424242424242",
        "666-12-3456",
        "219-09-9999-1",
        "1219-09-9999",
        "AB 12 34 56 E",
        "12345678A",
        "RSSMRA85T10A562T",
        "44051401358",
    ] {
        assert_eq!(all(text).text, text);
    }
}

#[test]
fn a_stored_policy_without_a_field_masks_it() {
    let read = |json: &str| serde_json::from_str::<Masking>(json).unwrap();
    assert_eq!(read("null"), Masking::ALL);
    assert_eq!(read("{}"), Masking::ALL);
    assert_eq!(read(r#"{"cards": false}"#), IDS_ONLY);
    let json = serde_json::to_string(&CARDS_ONLY).unwrap();
    assert_eq!(read(&json), CARDS_ONLY);
}

#[test]
fn long_hostile_texts_take_no_time() {
    for text in [
        "4 ".repeat(20_000),
        "4242".repeat(10_000),
        "GB29 ".repeat(8_000),
        "BSN 1 ".repeat(7_000),
    ] {
        let masked = all(&text);
        assert!(!masked.text.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn masking_again_changes_nothing(text in r"((42){1,4}|[0-9]{1,4}|4242 4242 4242 4242|219-09-9999|123456782|[ .•+-]{1,2}|bsn |pesel |tel |[a-zA-Z]{1,2}|ł|٤){0,24}") {
        let once = all(&text);
        let twice = all(&once.text);
        prop_assert_eq!(&twice.text, &once.text);
        prop_assert_eq!((twice.cards, twice.government_ids), (0, 0));
    }

    #[test]
    fn no_text_makes_it_panic_and_without_digits_it_changes_nothing(text in ".*", words in r"[^0-9０-９٠-٩۰-۹०-९০-৯]*") {
        let _ = all(&text);
        prop_assert_eq!(all(&words).text, words);
    }

    #[test]
    fn what_is_around_a_card_is_kept(before in "[a-zäß ,;!?\n]{0,20}", after in "[a-zäß ,;!?\n]{0,20}") {
        let text = format!("{before}; 4242-4242-4242-4242 {after}");
        prop_assert_eq!(all(&text).text, format!("{before}; •••• 4242 {after}"));
    }
}
