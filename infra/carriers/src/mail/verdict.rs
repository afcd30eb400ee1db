//! What the receiving server found about a mail: kept as data, and what it says about who wrote it.

use super::address;

/// Names of the verdicts.
pub(super) const NAMES: [&str; 5] = ["spam", "virus", "spf", "dkim", "dmarc"];

/// What the receiving server found: name and verdict, both in lower case (`("dmarc", "pass")`).
pub type Verdicts = Vec<(String, String)>;

/// Whether a mail's sender is who it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Their domain vouches for them.
    Vouched,
    /// Nothing is known: the receiving server did not look.
    NotLooked,
    /// Nobody vouches for them, or their domain says that it was not them.
    Doubtful,
}

/// One verdict.
pub fn of<'a>(verdicts: &'a Verdicts, name: &str) -> Option<&'a str> {
    let found = verdicts.iter().find(|(known, _)| known == name);
    found.map(|(_, verdict)| verdict.as_str())
}

/// Whether one verdict is that it failed.
pub fn failed(verdicts: &Verdicts, name: &str) -> bool {
    of(verdicts, name) == Some("fail")
}

/// Judges the sender. `from` is the address in the mail, `envelope` the one that its server named, `signers` the domains
/// of its signatures.
///
/// A domain that says how it is to be judged is judged so. For one that does not, a passed check counts only where it is
/// about that very domain: SPF knows the envelope alone, and DKIM any domain that signed.
pub fn judge(verdicts: &Verdicts, from: &str, envelope: Option<&str>, signers: &[String]) -> Sender {
    let passed = |name| of(verdicts, name) == Some("pass");
    let domain = address::domain(from);
    match of(verdicts, "dmarc") {
        Some("pass") => return Sender::Vouched,
        Some("fail") => return Sender::Doubtful,
        _ => {}
    }
    if ["spf", "dkim", "dmarc"]
        .iter()
        .all(|name| of(verdicts, name).is_none())
    {
        return Sender::NotLooked;
    }
    let by_envelope =
        passed("spf") && envelope.is_some_and(|sender| address::aligned(address::domain(sender), domain));
    // Which of several signatures passed is not told.
    let by_signature = passed("dkim")
        && !signers.is_empty()
        && signers.iter().all(|signer| address::aligned(signer, domain));
    if by_envelope || by_signature {
        Sender::Vouched
    } else {
        Sender::Doubtful
    }
}

/// Reads the verdicts from the header that a receiving server of `authority` adds above all that came with the mail
/// (`Authentication-Results`). Others' are not believed: whoever sends may write them.
pub fn from_results(header: &str, authority: &[&str]) -> Verdicts {
    let mut fields = header.split(';');
    let server = fields.next().unwrap_or_default().trim().to_ascii_lowercase();
    let server = server.split_ascii_whitespace().next().unwrap_or_default();
    if !authority.contains(&server) {
        return Vec::new();
    }
    let mut verdicts = Verdicts::new();
    for field in fields {
        let Some((name, rest)) = field.split_once('=') else {
            continue;
        };
        let name = name.trim().to_ascii_lowercase();
        let verdict: String = rest
            .trim()
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if !NAMES.contains(&name.as_str()) || verdict.is_empty() {
            continue;
        }
        let verdict = verdict.to_ascii_lowercase();
        match verdicts.iter_mut().find(|(known, _)| *known == name) {
            // Several signatures: one that passed is enough to have passed.
            Some((_, known)) if verdict == "pass" => *known = verdict,
            Some(_) => {}
            None => verdicts.push((name, verdict)),
        }
    }
    verdicts
}
