//! What the fields of a form mean. Pages call their fields what they like: the usual names are known, and everything
//! else goes into the message as it was asked and answered.

use std::fmt::Write as _;

use usher_shared::identifier::Identifier;
use usher_shared::model::Profile;

use super::{File, Form};

/// Characters of the message itself.
const LONGEST_TEXT: usize = 10_000;
/// Characters of any other field.
const LONGEST_FIELD: usize = 1_000;

/// How the person wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyBy {
    /// By mail.
    Email,
    /// By text message.
    Sms,
}

/// A field that was refused. The name is the page's; the value is not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The field.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// What a person asks with a form.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Enquiry {
    /// Who they say they are. E-mail address and phone number in their one spelling.
    pub profile: Profile,
    /// What it is about.
    pub subject: Option<String>,
    /// The message, and below it everything else that was filled in.
    pub text: String,
    /// How they want to be answered, if they say so.
    pub reply_by: Option<ReplyBy>,
    /// The page's own id of the submission.
    pub id: Option<String>,
    /// Files.
    pub files: Vec<File>,
}

impl std::fmt::Debug for Enquiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Enquiry(..)")
    }
}

/// What a field is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Name,
    FirstName,
    LastName,
    Email,
    Phone,
    Subject,
    Text,
    ReplyBy,
    Id,
    /// Ours, or a trap: says nothing.
    Silent,
    Other,
}

impl Enquiry {
    /// Reads a form.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn read(form: Form) -> Result<Self, Vec<Wrong>> {
        let mut reading = Reading::default();
        for (name, value) in form.fields {
            reading.take(&name, &value);
        }
        reading.finish(form.files)
    }

    /// The address that answers go to by these means.
    pub fn address(&self, by: ReplyBy) -> Option<&str> {
        match by {
            ReplyBy::Email => self.profile.email.as_deref(),
            ReplyBy::Sms => self.profile.phone.as_deref(),
        }
    }
}

#[derive(Default)]
struct Reading {
    enquiry: Enquiry,
    first: Option<String>,
    last: Option<String>,
    message: Vec<String>,
    others: Vec<(String, String)>,
    wrong: Vec<Wrong>,
}

impl Reading {
    fn take(&mut self, name: &str, value: &str) {
        let purpose = purpose(name);
        let value = value.trim().replace("\r\n", "\n");
        if purpose == Purpose::Silent || value.is_empty() {
            return;
        }
        let limit = if purpose == Purpose::Text {
            LONGEST_TEXT
        } else {
            LONGEST_FIELD
        };
        if value.chars().count() > limit {
            return self.refuse(name, format!("must be at most {limit} characters"));
        }
        if value
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
        {
            return self.refuse(name, "must not hold control characters");
        }
        let line = || value.split_whitespace().collect::<Vec<_>>().join(" ");
        match purpose {
            Purpose::Name => self.enquiry.profile.name = Some(line()),
            Purpose::FirstName => self.first = Some(line()),
            Purpose::LastName => self.last = Some(line()),
            Purpose::Subject => self.enquiry.subject = Some(line()),
            Purpose::Text => self.message.push(value),
            Purpose::Id => self.enquiry.id = Some(value),
            Purpose::Email => match Identifier::email(&value) {
                Ok(email) => self.enquiry.profile.email = Some(email.as_str().to_owned()),
                Err(error) => self.refuse(name, error.to_string()),
            },
            Purpose::Phone => match Identifier::phone(&value) {
                Ok(phone) => self.enquiry.profile.phone = Some(phone.as_str().to_owned()),
                Err(error) => self.refuse(name, error.to_string()),
            },
            Purpose::ReplyBy => match value.to_lowercase().as_str() {
                "email" | "e-mail" | "mail" => self.enquiry.reply_by = Some(ReplyBy::Email),
                "sms" | "text" | "phone" => self.enquiry.reply_by = Some(ReplyBy::Sms),
                _ => self.refuse(name, "must be email or sms"),
            },
            Purpose::Other => self.others.push((label(name), value)),
            Purpose::Silent => {}
        }
    }

    fn refuse(&mut self, field: &str, message: impl Into<String>) {
        self.wrong.push(Wrong {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    fn finish(mut self, files: Vec<File>) -> Result<Enquiry, Vec<Wrong>> {
        if self.enquiry.profile.name.is_none() {
            let names = [self.first.take(), self.last.take()];
            let names: Vec<String> = names.into_iter().flatten().collect();
            self.enquiry.profile.name = (!names.is_empty()).then(|| names.join(" "));
        }
        let profile = &self.enquiry.profile;
        let nobody = profile.email.is_none() && profile.phone.is_none();
        let (has_email, has_phone) = (profile.email.is_some(), profile.phone.is_some());
        if nobody && self.wrong.is_empty() {
            self.refuse("email", "must be given, or a phone number");
        }
        match self.enquiry.reply_by {
            Some(ReplyBy::Email) if !has_email => {
                self.refuse("email", "must be given for an answer by e-mail");
            }
            Some(ReplyBy::Sms) if !has_phone => self.refuse("phone", "must be given for an answer by SMS"),
            _ => {}
        }
        if self.message.is_empty() && self.others.is_empty() && files.is_empty() {
            self.refuse("message", "must not be empty");
        }
        let text = self.text();
        if text.chars().count() > LONGEST_TEXT * 2 {
            self.refuse("message", "must be shorter, with all other fields");
        }
        if !self.wrong.is_empty() {
            return Err(self.wrong);
        }
        Ok(Enquiry {
            text,
            files,
            ..self.enquiry
        })
    }

    /// The message first: its first words name the conversation.
    fn text(&self) -> String {
        let profile = &self.enquiry.profile;
        let mut text = self.message.join("\n\n");
        let known = [
            ("Name", profile.name.as_deref()),
            ("E-mail", profile.email.as_deref()),
            ("Phone", profile.phone.as_deref()),
        ];
        let known = known
            .into_iter()
            .filter_map(|(label, value)| Some((label, value?)));
        let others = self
            .others
            .iter()
            .map(|(label, value)| (label.as_str(), value.as_str()));
        let mut gap = if text.is_empty() { "" } else { "\n\n" };
        for (label, value) in others.chain(known) {
            let _never_fails = write!(text, "{gap}{label}: {value}");
            gap = "\n";
        }
        text
    }
}

fn purpose(name: &str) -> Purpose {
    if name == "_id" {
        return Purpose::Id;
    }
    if name == "_reply_by" {
        return Purpose::ReplyBy;
    }
    if name.starts_with('_') {
        return Purpose::Silent;
    }
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    match plain.strip_prefix("your").unwrap_or(&plain) {
        "name" | "fullname" | "contactname" => Purpose::Name,
        "firstname" | "givenname" | "forename" => Purpose::FirstName,
        "lastname" | "surname" | "familyname" => Purpose::LastName,
        "email" | "emailaddress" | "mail" => Purpose::Email,
        "phone" | "phonenumber" | "telephone" | "tel" | "mobile" | "mobilephone" | "cell" => Purpose::Phone,
        "subject" | "topic" => Purpose::Subject,
        "message" | "text" | "comment" | "comments" | "body" | "enquiry" | "inquiry" | "question" => {
            Purpose::Text
        }
        "replyby" | "contactby" | "preferredcontact" => Purpose::ReplyBy,
        _ => Purpose::Other,
    }
}

/// `event_date` is shown as `Event date`.
fn label(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c == '_' || c == '-' || c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut characters = plain.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => "Field".to_owned(),
    }
}
