//! Mail addresses: one canonical form, so that one person is one contact.

/// Longest address that is taken, in bytes: more is not deliverable.
const LONGEST: usize = 254;
/// Stands before an address that nobody vouches for: whoever claims it is another contact than whoever has it.
const UNVERIFIED: &str = "unverified:";

/// The canonical form of an address, with or without a name before it (`Ana <ana@example.net>`): trimmed, in lower case.
/// None if it is no address that mail could go to.
pub fn canonical(text: &str) -> Option<String> {
    let bare = match text.rsplit_once('<') {
        Some((_, rest)) => rest.split_once('>').map_or(rest, |(address, _)| address),
        None => text,
    };
    let address = bare.trim().trim_matches('"').to_lowercase();
    let (local, domain) = address.rsplit_once('@')?;
    let local_is_plain = !local.is_empty()
        && local
            .chars()
            .all(|c| !c.is_whitespace() && !c.is_control() && !"<>()[]:;,\\\"@".contains(c));
    let domain_is_plain = domain.contains('.')
        && domain
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'));
    // Names of one machine alone have no dot; they are good on this machine only.
    let domain_is_plain = domain_is_plain || domain == "localhost";
    (address.len() <= LONGEST && local_is_plain && domain_is_plain).then_some(address)
}

/// The part before the `@`.
pub fn local(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(local, _)| local)
}

/// The part behind the `@`.
pub fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// A mailbox and the token behind the plus sign of the address that was written to, if it had one:
/// `hello+a1b2@example.net` is `hello@example.net` and `a1b2`. The address is canonical.
pub fn split_token(address: &str) -> (String, Option<String>) {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    match local.split_once('+') {
        Some((mailbox, token)) if !mailbox.is_empty() && !token.is_empty() => {
            (format!("{mailbox}@{domain}"), Some(token.to_owned()))
        }
        _ => (address.to_owned(), None),
    }
}

/// A mailbox's address with a token in it, for answers to come back to. None if it would be too long.
pub fn with_token(mailbox: &str, token: &str) -> Option<String> {
    let (local, domain) = mailbox.rsplit_once('@')?;
    let plain = token
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let local = format!("{local}+{token}");
    // What stands before the `@` has a limit of its own.
    (plain && !token.is_empty() && local.len() <= 64).then(|| format!("{local}@{domain}"))
}

/// What a person is known by whose address nobody vouches for: never the same as the address itself.
pub fn unverified(address: &str) -> String {
    format!("{UNVERIFIED}{address}")
}

/// The address that mail goes to, from what a person is known by.
pub fn deliverable(known_by: &str) -> &str {
    known_by.strip_prefix(UNVERIFIED).unwrap_or(known_by)
}

/// Whether two domains are of one owner as far as their names say: equal, or one below the other.
pub fn aligned(one: &str, other: &str) -> bool {
    let below = |inner: &str, outer: &str| {
        outer.contains('.') && inner.strip_suffix(outer).is_some_and(|rest| rest.ends_with('.'))
    };
    !one.is_empty() && (one == other || below(one, other) || below(other, one))
}
