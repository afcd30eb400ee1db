//! Which addresses that others give may be fetched from. Decides by text and number alone; the resolver asks again for
//! every number that a name stands for, so that a name that changes its mind between the two gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Longer addresses are refused. Carriers' signed ones have about 1,000 bytes.
const LONGEST: usize = 8 * 1024;

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no address, is too long, or is spelled in a way that only somebody with a purpose would choose.
    #[error("malformed")]
    Malformed,
    /// It does not begin with `https://`.
    #[error("not https")]
    Scheme,
    /// It names a user or a password.
    #[error("user in address")]
    User,
    /// It names another port than 443.
    #[error("port")]
    Port,
    /// Its host is a name that is not of the public net.
    #[error("host")]
    Host,
    /// Its host is, or stands for, a number that is not of the public net.
    #[error("number")]
    Number,
}

/// Names that end so are not of the public net.
const PRIVATE_NAMES: [&str; 12] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "arpa",
    "onion",
    "test",
    "invalid",
];

/// The address, if it may be fetched from as far as its text says.
///
/// # Errors
/// [`Refusal`].
pub fn public_address(text: &str) -> Result<Url, Refusal> {
    // The parser repairs what browsers repair: it drops tabs, turns backslashes, reads numbers in any base. What it
    // would have to repair is refused, so that nobody reads an address differently from us.
    if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('\\') {
        return Err(Refusal::Malformed);
    }
    let after_scheme = text
        .get(..8)
        .filter(|scheme| scheme.eq_ignore_ascii_case("https://"))
        .and_then(|_| text.get(8..))
        .ok_or(Refusal::Scheme)?;
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Refusal::User);
    }
    let url = Url::parse(text).map_err(|_| Refusal::Malformed)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::User);
    }
    if url.port_or_known_default() != Some(443) {
        return Err(Refusal::Port);
    }
    let host = url.host_str().ok_or(Refusal::Malformed)?;
    let spelled = authority.strip_suffix(":443").unwrap_or(authority);
    if !spelled.eq_ignore_ascii_case(host) {
        return Err(Refusal::Malformed);
    }
    match number(host) {
        Some(number) if is_public(number) => Ok(url),
        Some(_) => Err(Refusal::Number),
        None if is_public_name(host) => Ok(url),
        None => Err(Refusal::Host),
    }
}

/// The number that a host is, if it is none that has to be looked up.
fn number(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_public_name(host: &str) -> bool {
    let Some((_, last)) = host.rsplit_once('.') else {
        return false;
    };
    // The parser lets through what no name of the net has: commas, brackets. What somebody's resolver makes of them is
    // not known. And no last label begins with a digit: what looks so is meant to be taken for a number by somebody.
    let letters = |label: &str| {
        label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let labels = host
        .split('.')
        .all(|label| (1..=63).contains(&label.len()) && letters(label));
    let ends_in_digits = last.starts_with(|first: char| first.is_ascii_digit());
    labels && host.len() <= 253 && !ends_in_digits && !PRIVATE_NAMES.contains(&last)
}

/// Whether a number is of the public net: nothing of this machine's, of a private network's, of a cloud's own services,
/// and nothing that carries such a number inside itself.
pub fn is_public(number: IpAddr) -> bool {
    match number {
        IpAddr::V4(number) => is_public_v4(number),
        IpAddr::V6(number) => is_public_v6(number),
    }
}

/// First and last of a range.
type Range = ([u8; 4], [u8; 4]);

/// What IANA's registry of special IPv4 addresses keeps from the public net, and one address of a cloud's own.
const SPECIAL_V4: [Range; 19] = [
    ([0, 0, 0, 0], [0, 255, 255, 255]),
    ([10, 0, 0, 0], [10, 255, 255, 255]),
    // Carrier-grade NAT, and the metadata service of one cloud in it.
    ([100, 64, 0, 0], [100, 127, 255, 255]),
    ([127, 0, 0, 0], [127, 255, 255, 255]),
    // Link-local: the metadata services.
    ([169, 254, 0, 0], [169, 254, 255, 255]),
    // Azure's host services, in public space.
    ([168, 63, 129, 16], [168, 63, 129, 16]),
    ([172, 16, 0, 0], [172, 31, 255, 255]),
    ([192, 0, 0, 0], [192, 0, 0, 255]),
    ([192, 0, 2, 0], [192, 0, 2, 255]),
    ([192, 31, 196, 0], [192, 31, 196, 255]),
    ([192, 52, 193, 0], [192, 52, 193, 255]),
    // 6to4 relays.
    ([192, 88, 99, 0], [192, 88, 99, 255]),
    ([192, 168, 0, 0], [192, 168, 255, 255]),
    ([192, 175, 48, 0], [192, 175, 48, 255]),
    ([198, 18, 0, 0], [198, 19, 255, 255]),
    ([198, 51, 100, 0], [198, 51, 100, 255]),
    ([203, 0, 113, 0], [203, 0, 113, 255]),
    // Multicast, then what was never given out, with broadcast at its end.
    ([224, 0, 0, 0], [239, 255, 255, 255]),
    ([240, 0, 0, 0], [255, 255, 255, 255]),
];

fn is_public_v4(number: Ipv4Addr) -> bool {
    let number = number.octets();
    !SPECIAL_V4
        .iter()
        .any(|(first, last)| (first..=last).contains(&&number))
}

fn is_public_v6(number: Ipv6Addr) -> bool {
    let [first, second, third, _, _, sixth, ..] = number.segments();
    // Only 2000::/3 is given out. That alone keeps out loopback, IPv4 inside (`::ffff:0:0/96`, `::/96`), NAT64
    // (`64:ff9b::/96`, `64:ff9b:1::/48`), private, link-local and multicast ones.
    let given_out = first & 0xe000 == 0x2000;
    let special = match first {
        // Protocol assignments, Teredo (IPv4 inside), benchmarks, ORCHID; documentation.
        0x2001 => second < 0x0200 || second == 0x0db8,
        // 6to4: IPv4 inside.
        0x2002 => true,
        // AS112.
        0x2620 => second == 0x004f && third == 0x8000,
        // Documentation.
        0x3fff => second < 0x1000,
        _ => false,
    };
    // ISATAP: IPv4 inside, under any prefix.
    let isatap = sixth == 0x5efe && matches!(number.segments(), [_, _, _, _, 0 | 0x0200, ..]);
    given_out && !special && !isatap
}

#[cfg(test)]
mod tests;
