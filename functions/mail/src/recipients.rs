//! The mailboxes that a mail was sent to.

use usher_carriers::event::To;
use usher_carriers::mail::mailbox;

/// Recipients of one mail that are looked at.
const MOST: usize = 50;

/// The mailboxes among recipients, each once: with the token of the address that had one, if any had.
pub(crate) fn mailboxes(recipients: &[String]) -> Vec<(To, Option<String>)> {
    let mut all: Vec<(To, Option<String>)> = Vec::new();
    let named = recipients
        .iter()
        .take(MOST)
        .filter_map(|recipient| mailbox(recipient));
    for (to, token) in named {
        match all.iter_mut().find(|(known, _)| *known == to) {
            Some((_, known)) => *known = known.take().or(token),
            None => all.push((to, token)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_gets_a_mail_once_however_often_it_is_named() {
        let recipients = [
            "Hello@a.example",
            "<hello+t0@a.example>",
            "nobody",
            "hi@a.example",
            "hello+t1@a.example",
        ]
        .map(str::to_owned);
        let found = mailboxes(&recipients);
        let found: Vec<_> = found
            .iter()
            .map(|(to, token)| (to.address.as_str(), token.as_deref()))
            .collect();
        assert_eq!(found, [("hello@a.example", Some("t0")), ("hi@a.example", None)]);
    }
}
