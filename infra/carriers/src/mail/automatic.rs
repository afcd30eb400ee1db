//! Recognising mail that no person wrote to us, which must never be answered by a machine (RFC 3834).

use super::address;
use super::parse::Mail;
use super::verdict::{self, Verdicts};

/// The header on everything that we send: what comes back with it is ours.
pub const LOOP_HEADER: &str = "X-Usher-Loop";

/// Why a mail is not to be answered by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Automatic {
    /// Ours, come back.
    Loop,
    /// From one of our own addresses.
    Own,
    /// A report about a mail.
    Report,
    /// Nobody is to be told of what goes wrong with it.
    NoSender,
    /// It says that a machine sent it.
    Submitted,
    /// A mailing, or a list.
    List,
    /// It asks for no automatic answer.
    Suppressed,
    /// Its sender is a machine, by name.
    Robot,
    /// The receiving server takes it for rubbish.
    Spam,
}

impl Automatic {
    /// Its name, for counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Own => "own",
            Self::Report => "report",
            Self::NoSender => "no_sender",
            Self::Submitted => "submitted",
            Self::List => "list",
            Self::Suppressed => "suppressed",
            Self::Robot => "robot",
            Self::Spam => "spam",
        }
    }
}

/// Which addresses are ours.
#[derive(Clone, Copy)]
pub struct Own<'a> {
    /// The mailbox that was written to, canonical.
    pub mailbox: &'a str,
    /// The domain whose mail the installation takes.
    pub domain: Option<&'a str>,
}

impl Own<'_> {
    /// Whether an address, canonical, is ours.
    pub fn has(&self, address: &str) -> bool {
        let (plain, _) = address::split_token(address);
        plain == self.mailbox
            || self
                .domain
                .is_some_and(|domain| address::domain(address) == domain)
    }
}

/// Why a mail is not to be answered by itself, if it is not. `envelope` is the sender that its server named; empty for
/// `<>`. `relayed` is a form's mail: sent by a machine for the person who filled it.
pub fn reason(
    mail: &Mail,
    envelope: Option<&str>,
    verdicts: &Verdicts,
    own: Own<'_>,
    relayed: bool,
) -> Option<Automatic> {
    let header = |name: &str| mail.header(name).map(str::to_ascii_lowercase);
    if mail.header(&LOOP_HEADER.to_ascii_lowercase()).is_some() {
        return Some(Automatic::Loop);
    }
    if verdict::failed(verdicts, "spam") || verdict::failed(verdicts, "virus") {
        return Some(Automatic::Spam);
    }
    if relayed {
        return None;
    }
    let from = mail
        .from
        .as_ref()
        .map(|from| from.address.as_str())
        .unwrap_or_default();
    if own.has(from) {
        return Some(Automatic::Own);
    }
    if mail.report.is_some() {
        return Some(Automatic::Report);
    }
    let sender = envelope.or_else(|| mail.header("return-path"));
    if sender.is_some_and(|sender| matches!(sender.trim(), "" | "<>")) {
        return Some(Automatic::NoSender);
    }
    // A comment or a parameter may follow the word.
    let submitted = header("auto-submitted");
    if submitted.is_some_and(|by| by.split([';', ' ', '(']).next() != Some("no")) {
        return Some(Automatic::Submitted);
    }
    let listed = ["list-id", "list-unsubscribe", "list-post"]
        .iter()
        .any(|name| mail.header(name).is_some());
    let precedence = header("precedence");
    if listed
        || precedence.is_some_and(|kind| {
            matches!(
                kind.trim(),
                "bulk" | "list" | "junk" | "auto_reply" | "auto-reply"
            )
        })
    {
        return Some(Automatic::List);
    }
    let suppresses = |asked: &str| {
        let words = ["all", "autoreply", "oof", "dr", "rn", "nrn"];
        asked
            .split([',', ';', ' '])
            .any(|word| words.contains(&word.trim()))
    };
    if header("x-auto-response-suppress").is_some_and(|asked| suppresses(&asked)) {
        return Some(Automatic::Suppressed);
    }
    let marked = ["x-autoreply", "x-autorespond", "x-auto-reply-from"]
        .iter()
        .any(|name| mail.header(name).is_some());
    if marked {
        return Some(Automatic::Submitted);
    }
    is_robot(from).then_some(Automatic::Robot)
}

/// Whether an address is a machine's, by its name.
pub fn is_robot(address: &str) -> bool {
    let name: String = address::local(address)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    matches!(name.as_str(), "mailerdaemon" | "postmaster")
        || name.starts_with("bounce")
        || ["noreply", "donotreply"]
            .iter()
            .any(|word| name.starts_with(word) || name.ends_with(word))
}
