//! What a model says of the person: taken down only if the person wrote it.

use super::Flag;
use super::contact::{named_emails, named_phones};
use super::lexer::{Kind, Tokens, plain};
use crate::identifier::Identifier;
use crate::lead::as_email;
use crate::model::Profile;
use crate::untrusted::Label;

/// Words and characters of a name.
const NAME_WORDS: usize = 4;
const NAME_CHARACTERS: usize = 60;

/// The part of `told` that stands in the person's own words. Adds a flag if there was more.
///
/// A model that is talked into it would name an address that somebody else reads; here it can name none that the person
/// did not write. A handle is what a channel says, and no model's to choose.
pub fn only_volunteered(told: &Profile, words: &str, flags: &mut Vec<Flag>) -> Profile {
    let text = plain(words);
    let email = told
        .email
        .as_deref()
        .and_then(as_email)
        .filter(|email| named_emails(&text).any(|named| named.eq_ignore_ascii_case(email)));
    let phone = told
        .phone
        .as_deref()
        .and_then(|phone| Identifier::phone(phone).ok())
        .and_then(|phone| {
            let digits = phone.as_str().trim_start_matches('+').to_owned();
            let same = |named: String| named.trim_start_matches("00") == digits;
            named_phones(&text).any(same).then(|| phone.as_str().to_owned())
        });
    let name = told.name.as_deref().and_then(|name| as_name(name, &text));
    let kept = Profile {
        name,
        email,
        phone,
        handle: None,
    };
    let lost = (told.name.is_some() && kept.name.is_none())
        || (told.email.is_some() && kept.email.is_none())
        || (told.phone.is_some() && kept.phone.is_none())
        || told.handle.is_some();
    if lost {
        flags.push(Flag::LeadNotVolunteered);
    }
    kept
}

/// A name whose words stand in the text next to each other, each with a capital.
fn as_name(name: &str, text: &str) -> Option<String> {
    let name = name.trim();
    let words: Vec<&str> = name.split_whitespace().collect();
    let word_like = |word: &&str| {
        word.chars()
            .next()
            .is_some_and(|c| c.is_alphabetic() && !c.is_lowercase())
            && word
                .chars()
                .all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’' | '.'))
    };
    let fits = (1..=NAME_WORDS).contains(&words.len()) && name.chars().count() <= NAME_CHARACTERS;
    if !fits || !words.iter().all(word_like) {
        return None;
    }
    let (wanted, said) = (plain(name), Tokens::of(text));
    let wanted = Tokens::of(&wanted);
    let letters = |tokens: &Tokens<'_>| -> Vec<String> {
        (0..tokens.len())
            .filter_map(|at| tokens.get(at))
            .filter_map(|token| match token.kind {
                Kind::Word => Some(token.word.clone()),
                Kind::Space | Kind::Mark('-' | '\'' | '.') => None,
                // A name ends here.
                _ => Some(String::new()),
            })
            .collect()
    };
    let (wanted, said) = (letters(&wanted), letters(&said));
    let named = !wanted.is_empty() && said.windows(wanted.len()).any(|window| window == wanted);
    named.then(|| words.join(" "))
}

/// An intent of the tenant's list, or none.
pub fn only_known_intent<'a>(
    told: Option<Label>,
    known: impl IntoIterator<Item = &'a str>,
    flags: &mut Vec<Flag>,
) -> Option<Label> {
    let told = told?;
    if known.into_iter().any(|name| name == told.as_str()) {
        return Some(told);
    }
    flags.push(Flag::UnknownIntent);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(name: &str, email: &str, phone: &str) -> Profile {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Profile {
            name: some(name),
            email: some(email),
            phone: some(phone),
            handle: None,
        }
    }

    #[test]
    fn only_what_the_person_wrote_is_taken_down() {
        let words = "I'm Anna Berg, Anna.Berg@example.com, 0044 20 7946 0018";
        let table = [
            (
                profile("Anna Berg", "anna.berg@example.com", "+442079460018"),
                true,
            ),
            (profile("Anna", "", ""), true),
            (profile("Berg Anna", "", ""), false),
            (profile("Eve", "", ""), false),
            (profile("", "eve@example.com", ""), false),
            (profile("", "anna.berg@example.com.evil.example", ""), false),
            (profile("", "", "+442079460019"), false),
            (profile("", "", "2079460018"), false),
            (profile("https://evil.example", "", ""), false),
            (profile("I'm Anna Berg Anna Berg", "", ""), false),
        ];
        for (told, fine) in table {
            let mut flags = Vec::new();
            let kept = only_volunteered(&told, words, &mut flags);
            assert_eq!(
                flags.is_empty(),
                fine,
                "{:?} {:?} {:?}",
                told.name,
                told.email,
                told.phone
            );
            assert_eq!(kept.is_empty(), !fine);
        }
        let mut flags = Vec::new();
        let handle = Profile {
            handle: Some("anna".to_owned()),
            ..Profile::default()
        };
        assert!(only_volunteered(&handle, "I am anna", &mut flags).is_empty());
        assert_eq!(flags, [Flag::LeadNotVolunteered]);
    }

    #[test]
    fn an_intent_is_one_of_the_list() {
        let mut flags = Vec::new();
        let told = |name: &str| name.parse::<Label>().ok();
        assert_eq!(
            only_known_intent(told("booking"), ["booking"], &mut flags),
            told("booking")
        );
        assert_eq!(only_known_intent(None, ["booking"], &mut flags), None);
        assert_eq!(flags, []);
        assert_eq!(only_known_intent(told("call_555"), ["booking"], &mut flags), None);
        assert_eq!(flags, [Flag::UnknownIntent]);
    }
}
