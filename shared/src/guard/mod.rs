//! What a model said, looked at before anybody is told it.
//!
//! Whoever writes to a business also writes into a model's prompt, so a model is taken to say what its worst guest
//! wants. What may leave is decided here, by rules and without a model: links and addresses that the tenant's own
//! documents hold, amounts and dates that stand in the passages the answer rests on, nothing of the instructions, no
//! promise that no passage makes. What can be made harmless without changing what it says is cleaned; everything
//! else goes to a person, because a wrong price is worse than a person's answer a little later.
//!
//! Pure: the same answer on the same ground gives the same result.

mod clean;
mod contact;
mod grams;
mod leaks;
mod lexer;
mod money;
mod promises;
mod times;
mod topics;
mod volunteered;

#[cfg(test)]
mod answers_tests;
#[cfg(test)]
mod tests;

use crate::channel::ChannelKind;
use crate::knowledge::{Index, Passage};
use crate::record::NotPersonal;
use crate::untrusted::{InvalidText, Label};

pub use topics::signs;
pub use volunteered::{only_known_intent, only_volunteered};

/// Why an answer was cleaned, kept back, or a turn was not begun. The closed list of what a trace may say of safety:
/// no flag carries a word of anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// Characters that nobody sees were removed.
    HiddenCharacters,
    /// Markup was removed.
    Markup,
    /// Markup that could do something.
    ActiveMarkup,
    /// A link that no document of the tenant's holds.
    Link,
    /// An e-mail address that neither the tenant's documents nor the guest named.
    EmailAddress,
    /// A phone number that neither the tenant's documents nor the guest named.
    PhoneNumber,
    /// A name on another platform that no document holds.
    Handle,
    /// An account to pay to that no document holds.
    Account,
    /// An amount of money that the passages do not name.
    Amount,
    /// A number that the passages do not name.
    Number,
    /// A date or time that the passages do not name.
    Date,
    /// A promise that the passages do not make: for nothing, a discount, a booking.
    Promise,
    /// It asks for what nobody should write: a card's number, a password.
    AsksForSecret,
    /// Words of the instructions.
    Instructions,
    /// Words of a passage that the answer does not rest on.
    OtherPassage,
    /// Something that looks like a key or a token.
    Token,
    /// Letters of several scripts in one word, numbers in letters: made to be read otherwise than it is checked.
    Obfuscated,
    /// Longer than the channel takes.
    TooLong,
    /// It rests on a passage that there is not.
    UnknownPassage,
    /// What was said of the person is not what the person wrote.
    LeadNotVolunteered,
    /// The intent is none of the tenant's.
    UnknownIntent,
    /// The provider failed or said nothing that can be used.
    ProviderFailed,
    /// The guest's words look like orders to a model.
    SuspectedInjection,
    /// The guest's words are abuse.
    Abuse,
    /// The conversation has used up its turns.
    ConversationBudget,
    /// The contact has used up its turns.
    ContactBudget,
    /// The tenant has used up its turns or tokens.
    TenantBudget,
}

impl NotPersonal for Flag {}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 27] = [
        Self::HiddenCharacters,
        Self::Markup,
        Self::ActiveMarkup,
        Self::Link,
        Self::EmailAddress,
        Self::PhoneNumber,
        Self::Handle,
        Self::Account,
        Self::Amount,
        Self::Number,
        Self::Date,
        Self::Promise,
        Self::AsksForSecret,
        Self::Instructions,
        Self::OtherPassage,
        Self::Token,
        Self::Obfuscated,
        Self::TooLong,
        Self::UnknownPassage,
        Self::LeadNotVolunteered,
        Self::UnknownIntent,
        Self::ProviderFailed,
        Self::SuspectedInjection,
        Self::Abuse,
        Self::ConversationBudget,
        Self::ContactBudget,
        Self::TenantBudget,
    ];

    /// The flag as a trace shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HiddenCharacters => "hidden_characters",
            Self::Markup => "markup",
            Self::ActiveMarkup => "active_markup",
            Self::Link => "link",
            Self::EmailAddress => "email_address",
            Self::PhoneNumber => "phone_number",
            Self::Handle => "handle",
            Self::Account => "account",
            Self::Amount => "amount",
            Self::Number => "number",
            Self::Date => "date",
            Self::Promise => "promise",
            Self::AsksForSecret => "asks_for_secret",
            Self::Instructions => "instructions",
            Self::OtherPassage => "other_passage",
            Self::Token => "token",
            Self::Obfuscated => "obfuscated",
            Self::TooLong => "too_long",
            Self::UnknownPassage => "unknown_passage",
            Self::LeadNotVolunteered => "lead_not_volunteered",
            Self::UnknownIntent => "unknown_intent",
            Self::ProviderFailed => "provider_failed",
            Self::SuspectedInjection => "suspected_injection",
            Self::Abuse => "abuse",
            Self::ConversationBudget => "conversation_budget",
            Self::ContactBudget => "contact_budget",
            Self::TenantBudget => "tenant_budget",
        }
    }

    /// The flag with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.name() == name)
    }

    /// The flag as a label.
    ///
    /// # Errors
    /// None: every name is a label, as a test says.
    pub fn label(self) -> Result<Label, InvalidText> {
        self.name().parse()
    }
}

/// What an answer may rest on, and what it must not give away.
pub struct Ground<'a> {
    /// Passages that the answer says it rests on.
    pub used: &'a [&'a Passage],
    /// Passages that the model was shown.
    pub shown: &'a [&'a Passage],
    /// All documents of the tenant.
    pub documents: &'a Index,
    /// Texts of the tenant's settings: what they name may be named.
    pub settings: &'a [&'a str],
    /// What the guest wrote in this conversation.
    pub guest: &'a [&'a str],
    /// What the business said in it before.
    pub ours: &'a [&'a str],
    /// What the model was sent. What is in it and nobody's words is instructions, which nobody may be told.
    pub secret: &'a [&'a str],
    /// Where the answer goes.
    pub channel: ChannelKind,
    /// Characters that are said before it, in the same message.
    pub before: usize,
}

/// What is to be done with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It can be sent as it is.
    AsIs,
    /// This can be sent in its stead: the same words without what does not belong into a message.
    Cleaned(String),
    /// A person should answer.
    HandOver,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What is to be done.
    pub verdict: Verdict,
    /// Why, in the order of the list and each once.
    pub flags: Vec<Flag>,
}

/// Looks at an answer.
pub fn check(answer: &str, ground: &Ground<'_>) -> Checked {
    let mut flags = Vec::new();
    let cleaned = clean::clean(answer, &mut flags);
    let plain = lexer::plain(&cleaned);
    let open = flags.len();

    if cleaned.chars().count() + ground.before > longest(ground.channel) {
        flags.push(Flag::TooLong);
    }
    let backing = lexer::Backing::of(ground);
    // Addresses that may be named are taken out: their digits are no amounts.
    let rest = contact::check(&plain, ground, &mut flags);
    let spans = times::check(&rest, &backing, &mut flags);
    let blank = lexer::blank(&rest, &spans);
    money::check(&blank, &backing, ground, &mut flags);
    promises::check(&plain, &backing, &mut flags);
    leaks::check(&plain, &blank, &backing, ground, &mut flags);

    let stopped = flags.len() > open || flags.contains(&Flag::ActiveMarkup);
    flags.sort_unstable();
    flags.dedup();
    let verdict = if stopped || cleaned.trim().is_empty() {
        Verdict::HandOver
    } else if cleaned == answer {
        Verdict::AsIs
    } else {
        Verdict::Cleaned(cleaned)
    };
    Checked { verdict, flags }
}

/// Characters of an answer by channel: what the carriers take, and what people read there.
pub const fn longest(channel: ChannelKind) -> usize {
    match channel {
        // Ten segments; Twilio takes 1,600.
        ChannelKind::Sms | ChannelKind::Voice => 1_530,
        ChannelKind::Instagram => 1_000,
        ChannelKind::Messenger => 2_000,
        ChannelKind::Whatsapp | ChannelKind::Email | ChannelKind::Form | ChannelKind::WebChat => 4_000,
    }
}
