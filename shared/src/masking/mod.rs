//! Masking what nobody should have written into a chat: payment card numbers and government ids. It happens
//! before a text is stored, hashed or shown to a model.
//!
//! - **Cards**: 13 to 19 digits, in one run or in groups with spaces, dashes or dots between, with an issuer's
//!   prefix, a length that issuer uses and a valid Luhn digit. What stays is `•••• ` and the last four digits,
//!   which tell a guest which card is meant and are of no use to anybody else.
//! - **Government ids** of the countries in [`rules`]: `[••••]` stays. Nothing of the number is kept, because the
//!   end of such a number is itself used to identify people.
//!
//! What is not masked: anything that fails its check digit, IBANs (they are given to be paid to), and digits
//! inside web addresses. Where a number has no check digit, or one that every tenth phone number passes, it
//! is masked only next to a word that says what it is.

mod cards;
mod checks;
mod numbers;
mod rules;
mod text;

pub(crate) use text::digit;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::text::Text;
use crate::record::NotPersonal;

/// Which categories a tenant has masked. All, unless it explicitly switched one off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<Stored>")]
pub struct Masking {
    /// Payment card numbers.
    pub cards: bool,
    /// Government ids.
    pub government_ids: bool,
}

/// As stored. A row, or a field of it, from before masking existed means that everything is masked.
#[derive(Deserialize)]
struct Stored {
    #[serde(default = "masked")]
    cards: bool,
    #[serde(default = "masked")]
    government_ids: bool,
}

const fn masked() -> bool {
    true
}

impl From<Option<Stored>> for Masking {
    fn from(stored: Option<Stored>) -> Self {
        stored.map_or_else(Self::default, |stored| Self {
            cards: stored.cards,
            government_ids: stored.government_ids,
        })
    }
}

impl Default for Masking {
    fn default() -> Self {
        Self::ALL
    }
}

impl NotPersonal for Masking {}

impl Masking {
    /// Everything is masked.
    pub const ALL: Self = Self {
        cards: true,
        government_ids: true,
    };

    /// Whether nothing is switched off.
    pub fn is_all(self) -> bool {
        self == Self::ALL
    }
}

/// A masked text.
#[derive(Clone, PartialEq, Eq)]
pub struct Masked {
    /// The text; outside what was masked it is as written, byte for byte.
    pub text: String,
    /// Card numbers that were masked.
    pub cards: u32,
    /// Government ids that were masked.
    pub government_ids: u32,
}

impl std::fmt::Debug for Masked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masked")
            .field("cards", &self.cards)
            .field("government_ids", &self.government_ids)
            .finish_non_exhaustive()
    }
}

/// What stands for a government id.
const GOVERNMENT_ID: &str = "[••••]";

/// Masks `text`. Masking the result again changes nothing.
pub fn mask(text: &str, policy: Masking) -> Masked {
    let mut masked = Masked {
        text: text.to_owned(),
        cards: 0,
        government_ids: 0,
    };
    // Masking one number may bring a word next to another. Each pass removes digits, so this ends.
    while let Some(next) = pass(&masked.text, policy) {
        masked.text = next.text;
        masked.cards += next.cards;
        masked.government_ids += next.government_ids;
    }
    masked
}

/// One pass from left to right; `None` if there is nothing to mask.
fn pass(text: &str, policy: Masking) -> Option<Masked> {
    // Every number that is masked has at least six digits: most messages end here.
    if text.chars().filter(|&c| digit(c).is_some()).take(6).count() < 6 {
        return None;
    }
    let text = Text::new(text);
    let mut masked = Masked {
        text: String::new(),
        cards: 0,
        government_ids: 0,
    };
    let (mut copied, mut at) = (0, 0);
    while at < text.len() {
        if let Some(end) = skip(&text, at) {
            at = end;
            continue;
        }
        if policy.cards
            && let Some((end, last)) = cards::find(&text, at)
        {
            masked.text.push_str(text.between(copied, at));
            masked.text.push_str("•••• ");
            masked.text.push_str(&last);
            masked.cards += 1;
            (copied, at) = (end, end);
            continue;
        }
        if policy.government_ids
            && let Some(end) = rules::find(&text, at)
        {
            masked.text.push_str(text.between(copied, at));
            masked.text.push_str(GOVERNMENT_ID);
            masked.government_ids += 1;
            (copied, at) = (end, end);
            continue;
        }
        at += 1;
    }
    masked.text.push_str(text.between(copied, text.len()));
    (masked.cards > 0 || masked.government_ids > 0).then_some(masked)
}

/// The end of what begins at `at` and is none of our business: a card that is masked already, a web address,
/// an IBAN.
fn skip(text: &Text<'_>, at: usize) -> Option<usize> {
    if text.follows(at, "•••• ") && (5..9).all(|n| text.digit(at + n).is_some()) {
        return Some(at + 9);
    }
    if text.is_word(at.wrapping_sub(1)) {
        return None;
    }
    if ["http://", "https://", "www."]
        .iter()
        .any(|start| text.follows(at, start))
    {
        let rest = (at..text.len()).find(|&n| text.at(n).is_none_or(char::is_whitespace));
        return Some(rest.unwrap_or(text.len()));
    }
    iban(text, at)
}

/// The end of an IBAN that begins at `at`: country, two check digits, 11 to 30 letters and digits in groups,
/// check by ISO 7064 MOD 97-10 (ISO 13616).
fn iban(text: &Text<'_>, at: usize) -> Option<usize> {
    let (a, b) = (text.letter(at)?, text.letter(at + 1)?);
    text.digit(at + 2)?;
    text.digit(at + 3)?;
    let (mut body, mut end, mut n) = (String::new(), None, at + 2);
    while body.len() < 32 {
        if let Some(c) = text.plain(n) {
            body.push(c);
            n += 1;
        } else if text.at(n).is_some_and(text::is_space) && text.plain(n + 1).is_some() {
            n += 1;
            continue;
        } else {
            break;
        }
        if !text.is_word(n) && body.len() >= 13 {
            let (check, account) = body.split_at(2);
            if checks::mod_97(&format!("{account}{a}{b}{check}")) == 1 {
                end = Some(n);
            }
        }
    }
    end
}
