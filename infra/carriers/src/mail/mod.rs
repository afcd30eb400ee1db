//! E-mail, whoever carries it: SES or Resend. What comes in is a mail in MIME and what the receiving server says about
//! it; what goes out is composed once and given to either.

pub mod address;
pub mod automatic;
pub mod compose;
mod html;
pub mod parse;
mod quote;
pub mod relay;
pub mod resend;
pub mod ses;
pub mod thread;
pub mod verdict;

use usher_shared::Timestamp;
use usher_shared::channel::{Delivery, Failure};
use usher_shared::model::Profile;

use self::automatic::{Automatic, Own};
use self::parse::{Mail, Mailbox, Unreadable};
use self::verdict::{Sender, Verdicts};
use crate::event::{Event, MailHead, Person, Said, Space, To, What};

/// What the receiving server says about a mail.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Its id of the mail: the same for every delivery.
    pub id: String,
    /// When it came in.
    pub at: Option<Timestamp>,
    /// The sender that the other server named; empty for `<>`. Absent where it is not told.
    pub envelope: Option<String>,
    /// What was found.
    pub verdicts: Verdicts,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Received(..)")
    }
}

/// The mailbox that a mail was for.
#[derive(Clone, Copy)]
pub struct Addressed<'a> {
    /// The channel's address in the directory.
    pub to: &'a To,
    /// The mailbox as people know it, canonical.
    pub mailbox: &'a str,
    /// The token in the address that was written to.
    pub token: Option<&'a str>,
    /// The domain whose mail the installation takes.
    pub domain: Option<&'a str>,
    /// Addresses of forms, as the tenant set them.
    pub relays: &'a [String],
}

/// What a mail in MIME tells a channel.
pub fn read(raw: &[u8], received: &Received, addressed: Addressed<'_>) -> Event {
    match parse::parse(raw) {
        Ok(mail) => tell(mail, received, addressed),
        Err(error) => {
            let what = What::Ignored(match error {
                Unreadable::TooLarge => "mail_too_large",
                Unreadable::TooDeep => "mail_too_deep",
                Unreadable::NotMail => "not_mail",
            });
            event(received, addressed, None, what)
        }
    }
}

/// What a mail tells a channel.
pub fn tell(mail: Mail, received: &Received, addressed: Addressed<'_>) -> Event {
    if verdict::failed(&received.verdicts, "virus") {
        return event(received, addressed, None, What::Ignored("mail_virus"));
    }
    let own = Own {
        mailbox: addressed.mailbox,
        domain: addressed.domain,
    };
    let relayed = relay::is_relay(&mail, addressed.relays);
    let envelope = received.envelope.as_deref();
    let automatic = automatic::reason(&mail, envelope, &received.verdicts, own, relayed);
    if automatic == Some(Automatic::Loop) {
        return event(received, addressed, None, What::Ignored("mail_own"));
    }
    if let Some(report) = &mail.report {
        // A report is nobody's message. What it says about one of ours is worth knowing.
        let what = match (&report.original, report.action.as_str()) {
            (Some(original), "failed") => What::Status {
                message: thread::carriers_id(original).to_owned(),
                reference: None,
                delivery: Delivery::Undelivered,
                // Anybody can write a report: none is a reason never to write to an address again.
                failure: Some(Failure::GaveUp),
            },
            _ => What::Ignored("mail_report"),
        };
        let recipient = report.recipient.clone().map(|address| Person {
            address,
            ..Person::default()
        });
        return event(received, addressed, recipient, what);
    }
    let Some(from) = mail.from.clone() else {
        return event(received, addressed, None, What::Ignored("mail_from_nobody"));
    };
    let sender = verdict::judge(&received.verdicts, &from.address, envelope, &mail.signers());
    let filled = if relayed {
        relay::person(&mail, addressed.relays, own)
    } else {
        None
    };
    let nobody_to_answer = relayed
        && filled
            .as_ref()
            .is_none_or(|person| automatic::is_robot(&person.address));
    let writer = filled.unwrap_or(from);
    let unattended = automatic.is_some() || nobody_to_answer || sender == Sender::Doubtful;
    let said = Said {
        text: mail.text,
        attachments: mail.attachments,
        context: None,
        comment: None,
        mail: Some(MailHead {
            message_id: mail.message_id,
            references: mail.references,
            subject: mail.subject,
            token: addressed.token.map(str::to_owned),
            verdicts: received.verdicts.clone(),
        }),
        quoted: mail.quoted,
        unattended,
    };
    event(
        received,
        addressed,
        Some(person(writer, sender)),
        What::Message(said),
    )
}

/// The person who wrote. One that nobody vouches for is another than whoever has the address.
fn person(writer: Mailbox, sender: Sender) -> Person {
    let vouched = sender == Sender::Vouched;
    Person {
        address: if vouched {
            writer.address.clone()
        } else {
            address::unverified(&writer.address)
        },
        alias: None,
        profile: Profile {
            name: writer.name,
            email: vouched.then_some(writer.address),
            ..Profile::default()
        },
    }
}

fn event(received: &Received, addressed: Addressed<'_>, person: Option<Person>, what: What) -> Event {
    Event {
        to: addressed.to.clone(),
        person,
        id: received.id.clone(),
        at: received.at,
        what,
    }
}

/// The mailboxes among a mail's recipients: the address in the directory, and the token.
pub fn mailbox(recipient: &str) -> Option<(To, Option<String>)> {
    let (address, token) = address::split_token(&address::canonical(recipient)?);
    let to = To {
        space: Space::Mailbox,
        address,
    };
    Some((to, token))
}

#[cfg(test)]
mod tests;
