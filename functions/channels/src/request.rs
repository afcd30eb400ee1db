//! A channel to connect, as it is asked for: what each kind needs, and nothing else.

use std::fmt;

use axum::http::Uri;
use serde::Deserialize;
use usher_aws::http::{Checks, Problem, TextRule};
use usher_shared::channel::{
    ChannelKind, ChannelSettings, Connection, MailProvider, MetaConnection, ResendConnection,
    TwilioConnection,
};
use usher_shared::untrusted::Origin;
use utoipa::ToSchema;

use crate::words::{self, Settings};

pub(crate) const NAME_CHARACTERS: usize = 100;
const ORIGINS: usize = 20;
const RELAYS: usize = 20;
/// Longest id, token or secret.
const CREDENTIAL_CHARACTERS: usize = 1024;

/// A channel to connect.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewChannel {
    /// What kind of place.
    pub(crate) kind: words::ChannelKind,
    /// Your own name for it: one line of 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "Web site")]
    pub(crate) name: String,
    /// Pages that may embed it, at most 20 origins such as `https://www.example.com`; none means any. For `web_chat` and
    /// `form`.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["https://www.example.com"]))]
    pub(crate) allowed_origins: Vec<String>,
    /// What is set for it.
    #[serde(default)]
    pub(crate) settings: Settings,
    /// What its carrier demands. Stored sealed, and never shown.
    #[serde(default)]
    pub(crate) credentials: Option<Credentials>,
}

/// What a carrier demands to know. Which fields are needed depends on the kind; others are refused.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ChannelCredentials)]
pub(crate) struct Credentials {
    /// Id of the page, of the Instagram account, or of the WhatsApp phone number. Required for `messenger`, `instagram`
    /// and `whatsapp`.
    #[schema(example = "102938475610293")]
    account_id: Option<String>,
    /// Id of the WhatsApp business account. Required for `whatsapp`.
    #[schema(example = "102290129340398")]
    business_account_id: Option<String>,
    /// The long-lived access token. Required for `messenger`, `instagram` and `whatsapp`.
    #[schema(write_only)]
    token: Option<String>,
    /// Whether Instagram's own login gave the token. For `instagram`.
    instagram_login: Option<bool>,
    /// The Twilio account that owns the number. Required for `sms` and `voice`.
    #[schema(example = "ACf45de51cdef30991551e41e882dd7b54")]
    account_sid: Option<String>,
    /// Its auth token: webhooks are signed with it. Required for `sms` and `voice`.
    #[schema(write_only)]
    auth_token: Option<String>,
    /// An API key, to call Twilio with in place of the auth token. For `sms` and `voice`, with its secret.
    api_key_sid: Option<String>,
    /// The secret of the API key.
    #[schema(write_only)]
    api_key_secret: Option<String>,
    /// The number, in E.164. Required for `sms` and `voice`.
    #[schema(example = "+15105550123")]
    number: Option<String>,
    /// The Messaging Service to send by. For `sms`.
    #[schema(example = "MGe9949d904d436e1fd21b1ac234c1fad2")]
    messaging_service_sid: Option<String>,
    /// The API key at Resend. Required for `email` with `mail_provider` `resend`.
    #[schema(write_only)]
    api_key: Option<String>,
    /// The secret that signs Resend's webhooks. Required with `api_key`.
    #[schema(write_only, example = "whsec_…")]
    webhook_secret: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl fmt::Debug for NewChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewChannel(..)")
    }
}

/// A request that may be carried out, as far as its shape says.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) kind: ChannelKind,
    pub(crate) name: String,
    pub(crate) allowed_origins: Vec<Origin>,
    pub(crate) settings: ChannelSettings,
    pub(crate) connection: Option<Connection>,
}

/// Checks a request. `mail_domain` is the domain whose mail this installation takes.
///
/// # Errors
/// 422 with everything that is wrong.
pub(crate) fn check(request: NewChannel, mail_domain: Option<&str>) -> Result<Checked, Problem> {
    let kind = ChannelKind::from(request.kind);
    let mut checks = Checks::default();
    let name = checks.text("name", &request.name, TextRule::Line(NAME_CHARACTERS));
    let allowed_origins = origins(&mut checks, kind, &request.allowed_origins);
    let mut settings = request.settings;
    check_settings(&mut checks, kind, &mut settings, mail_domain);
    let provider = settings.mail_provider.map(MailProvider::from).unwrap_or_default();
    let connection = connection(&mut checks, kind, provider, request.credentials);
    checks.finish()?;
    let mut settings = ChannelSettings::from(settings);
    if let Some(Connection::Twilio(twilio)) = &connection {
        settings.address = Some(twilio.number.clone());
    }
    Ok(Checked {
        kind,
        name,
        allowed_origins,
        settings,
        connection,
    })
}

pub(crate) fn origins(checks: &mut Checks, kind: ChannelKind, given: &[String]) -> Vec<Origin> {
    if given.len() > ORIGINS {
        checks.refuse("allowed_origins", format!("must have at most {ORIGINS} items"));
    }
    if !given.is_empty() && !matches!(kind, ChannelKind::WebChat | ChannelKind::Form) {
        checks.refuse("allowed_origins", not_for(kind));
    }
    let mut origins = Vec::new();
    for (index, text) in given.iter().take(ORIGINS).enumerate() {
        match text.parse::<Origin>() {
            Ok(origin) => origins.push(origin),
            Err(why) => checks.refuse(format!("allowed_origins[{index}]"), why.to_string()),
        }
    }
    origins
}

fn not_for(kind: ChannelKind) -> String {
    format!("is not for channels of kind {}", kind.name())
}

pub(crate) fn check_settings(
    checks: &mut Checks,
    kind: ChannelKind,
    settings: &mut Settings,
    mail_domain: Option<&str>,
) {
    use ChannelKind as Kind;
    let is = |kinds: &[Kind]| kinds.contains(&kind);
    let places: [(&str, bool, bool); 12] = [
        ("address", settings.address.is_some(), is(&[Kind::Email])),
        (
            "comment_replies",
            settings.comment_replies.is_some(),
            is(&[Kind::Messenger, Kind::Instagram]),
        ),
        (
            "reopening_template",
            settings.reopening_template.is_some(),
            is(&[Kind::Whatsapp]),
        ),
        ("help_text", settings.help_text.is_some(), is(&[Kind::Sms])),
        (
            "signed_url",
            settings.signed_url.is_some(),
            is(&[Kind::Sms, Kind::Voice]),
        ),
        ("greeting", settings.greeting.is_some(), is(&[Kind::Voice])),
        ("link", settings.link.is_some(), is(&[Kind::Voice])),
        (
            "thank_you_url",
            settings.thank_you_url.is_some(),
            is(&[Kind::Form]),
        ),
        (
            "answers_by",
            settings.answers_by.is_some(),
            is(&[Kind::Form, Kind::Voice]),
        ),
        ("sender_name", settings.sender_name.is_some(), is(&[Kind::Email])),
        (
            "mail_provider",
            settings.mail_provider.is_some(),
            is(&[Kind::Email]),
        ),
        ("form_relays", settings.form_relays.is_some(), is(&[Kind::Email])),
    ];
    for (field, given, allowed) in places {
        if given && !allowed {
            checks.refuse(format!("settings.{field}"), not_for(kind));
        }
    }
    check_texts(checks, settings);
    check_urls(checks, settings);
    if kind == ChannelKind::Email {
        check_mailbox(checks, settings, mail_domain);
    }
}

fn check_texts(checks: &mut Checks, settings: &mut Settings) {
    let texts: [(&str, &mut Option<String>, TextRule); 3] = [
        (
            "settings.help_text",
            &mut settings.help_text,
            TextRule::Lines(320),
        ),
        ("settings.greeting", &mut settings.greeting, TextRule::Lines(500)),
        (
            "settings.sender_name",
            &mut settings.sender_name,
            TextRule::Line(100),
        ),
    ];
    for (field, text, rule) in texts {
        if let Some(text) = text {
            *text = checks.text(field, text, rule);
        }
    }
    if let Some(template) = &mut settings.reopening_template {
        template.name = checks.text(
            "settings.reopening_template.name",
            &template.name,
            TextRule::Line(512),
        );
        let language = TextRule::Line(20);
        template.language = checks.text(
            "settings.reopening_template.language",
            &template.language,
            language,
        );
    }
}

fn check_urls(checks: &mut Checks, settings: &Settings) {
    let urls: [(&str, &Option<String>, &[&str]); 3] = [
        ("settings.signed_url", &settings.signed_url, &["https", "http"]),
        ("settings.link", &settings.link, &["https"]),
        ("settings.thank_you_url", &settings.thank_you_url, &["https"]),
    ];
    for (field, url, schemes) in urls {
        if url.as_deref().is_some_and(|url| !is_url(url, schemes)) {
            checks.refuse(field, "must be an address that begins with https://");
        }
    }
}

fn check_mailbox(checks: &mut Checks, settings: &mut Settings, mail_domain: Option<&str>) {
    for (index, relay) in settings.form_relays.iter().flatten().enumerate() {
        if index >= RELAYS || !is_mailbox(relay) {
            let why = format!("must be a mail address; there may be {RELAYS}");
            checks.refuse(format!("settings.form_relays[{index}]"), why);
            break;
        }
    }
    let resend = settings.mail_provider == Some(words::MailProvider::Resend);
    let ours = |address: &str| mail_domain.is_some_and(|domain| is_under(address, domain));
    match &mut settings.address {
        None => checks.refuse("settings.address", "is required"),
        Some(address) if !is_mailbox(address) => {
            checks.refuse("settings.address", "must be a mail address");
        }
        Some(address) if !resend && !ours(address) => {
            checks.refuse(
                "settings.address",
                "must be under a domain whose mail this installation takes",
            );
        }
        Some(address) => *address = address.to_ascii_lowercase(),
    }
}

/// Whether it is an absolute address of one of these schemes, with a host and without a user.
fn is_url(text: &str, schemes: &[&str]) -> bool {
    text.len() <= 2048
        && text.parse::<Uri>().is_ok_and(|uri| {
            let scheme = uri.scheme_str().unwrap_or_default();
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            schemes.contains(&scheme) && !authority.is_empty() && !authority.contains('@')
        })
}

/// Whether it looks like one mailbox in ASCII. Only mail proves it.
fn is_mailbox(text: &str) -> bool {
    let plain = |c: char| {
        c.is_ascii_graphic()
            && !matches!(
                c,
                '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\' | '[' | ']'
            )
    };
    text.len() <= 254
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && local.chars().all(plain)
                && domain.contains('.')
                && domain.split('.').all(|label| {
                    !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                })
        })
}

fn is_under(address: &str, domain: &str) -> bool {
    let own = address
        .rsplit_once('@')
        .map_or("", |(_, domain)| domain)
        .to_ascii_lowercase();
    let domain = domain.to_ascii_lowercase();
    own == domain || own.ends_with(&format!(".{domain}"))
}

/// Reads credentials for one kind: says what is missing, and what has no place.
struct Reader<'a> {
    checks: &'a mut Checks,
    kind: ChannelKind,
}

impl Reader<'_> {
    /// One that must be there.
    fn required(&mut self, field: &str, value: &mut Option<String>) -> String {
        let Some(value) = value.take() else {
            self.checks.refuse(format!("credentials.{field}"), "is required");
            return String::new();
        };
        self.checked(field, value)
    }

    fn checked(&mut self, field: &str, value: String) -> String {
        let plain = value.chars().all(|c| c.is_ascii_graphic());
        if value.is_empty() || value.len() > CREDENTIAL_CHARACTERS || !plain {
            let why = format!("must be 1 to {CREDENTIAL_CHARACTERS} characters of ASCII without spaces");
            self.checks.refuse(format!("credentials.{field}"), why);
        }
        value
    }

    /// One that must look like this.
    fn shaped(
        &mut self,
        field: &str,
        value: &mut Option<String>,
        is: fn(&str) -> bool,
        what: &str,
    ) -> String {
        let given = value.is_some();
        let value = self.required(field, value);
        if given && !is(&value) {
            self.checks
                .refuse(format!("credentials.{field}"), format!("must be {what}"));
        }
        value
    }

    /// What is left has no place here.
    fn nothing_else(&mut self, left: &Credentials) {
        let fields = [
            ("account_id", left.account_id.is_some()),
            ("business_account_id", left.business_account_id.is_some()),
            ("token", left.token.is_some()),
            ("instagram_login", left.instagram_login.is_some()),
            ("account_sid", left.account_sid.is_some()),
            ("auth_token", left.auth_token.is_some()),
            ("api_key_sid", left.api_key_sid.is_some()),
            ("api_key_secret", left.api_key_secret.is_some()),
            ("number", left.number.is_some()),
            ("messaging_service_sid", left.messaging_service_sid.is_some()),
            ("api_key", left.api_key.is_some()),
            ("webhook_secret", left.webhook_secret.is_some()),
        ];
        for (field, given) in fields {
            if given {
                self.checks
                    .refuse(format!("credentials.{field}"), not_for(self.kind));
            }
        }
    }
}

pub(crate) fn connection(
    checks: &mut Checks,
    kind: ChannelKind,
    provider: MailProvider,
    given: Option<Credentials>,
) -> Option<Connection> {
    let mut given = given.unwrap_or_default();
    let mut reader = Reader { checks, kind };
    let connection = match kind {
        ChannelKind::WebChat | ChannelKind::Form => None,
        ChannelKind::Email if provider == MailProvider::Ses => None,
        ChannelKind::Email => Some(Connection::Resend(ResendConnection {
            api_key: reader.required("api_key", &mut given.api_key),
            webhook_secret: reader.shaped(
                "webhook_secret",
                &mut given.webhook_secret,
                |secret| secret.starts_with("whsec_"),
                "a secret that begins with whsec_",
            ),
        })),
        ChannelKind::Sms | ChannelKind::Voice => Some(Connection::Twilio(twilio(&mut reader, &mut given))),
        ChannelKind::Messenger | ChannelKind::Instagram | ChannelKind::Whatsapp => {
            let digits = |id: &str| id.bytes().all(|byte| byte.is_ascii_digit());
            Some(Connection::Meta(MetaConnection {
                account: reader.shaped("account_id", &mut given.account_id, digits, "an id of digits"),
                business_account: (kind == ChannelKind::Whatsapp).then(|| {
                    let id = &mut given.business_account_id;
                    reader.shaped("business_account_id", id, digits, "an id of digits")
                }),
                token: reader.required("token", &mut given.token),
                permissions: Vec::new(),
                granted_by: None,
                instagram_login: kind == ChannelKind::Instagram
                    && given.instagram_login.take().unwrap_or_default(),
            }))
        }
    };
    reader.nothing_else(&given);
    connection
}

fn twilio(reader: &mut Reader<'_>, given: &mut Credentials) -> TwilioConnection {
    let account_sid = reader.shaped(
        "account_sid",
        &mut given.account_sid,
        |sid| is_sid(sid, "AC"),
        "AC and 32 hexadecimal digits",
    );
    let auth_token = reader.required("auth_token", &mut given.auth_token);
    let api_key = (given.api_key_sid.is_some() || given.api_key_secret.is_some()).then(|| {
        let sid = reader.shaped(
            "api_key_sid",
            &mut given.api_key_sid,
            |sid| is_sid(sid, "SK"),
            "SK and 32 hexadecimal digits",
        );
        (sid, reader.required("api_key_secret", &mut given.api_key_secret))
    });
    let number = reader.shaped(
        "number",
        &mut given.number,
        is_e164,
        "a number in E.164, such as +15105550123",
    );
    let messaging_service =
        (reader.kind == ChannelKind::Sms && given.messaging_service_sid.is_some()).then(|| {
            reader.shaped(
                "messaging_service_sid",
                &mut given.messaging_service_sid,
                |sid| is_sid(sid, "MG"),
                "MG and 32 hexadecimal digits",
            )
        });
    TwilioConnection {
        account_sid,
        auth_token,
        api_key,
        number,
        messaging_service,
    }
}

fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

#[cfg(test)]
mod tests;
