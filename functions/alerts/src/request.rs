//! What a tenant may set, checked field by field.

use serde::{Deserialize, Deserializer};
use usher_aws::http::{Checks, Problem};
use usher_carriers::mail::address;
use usher_carriers::telegram;
use usher_shared::alert::{self, QuietHours, Target};
use utoipa::ToSchema;

use crate::quiet;
use crate::view::{During, Rank, TargetKind};

/// Whom one tenant may have told.
const TARGETS: usize = 10;
/// Minutes of a day.
const DAY: u32 = 24 * 60;
/// What is set where nothing is said.
pub(crate) const REPEAT_MINUTES: u32 = 10;
pub(crate) const SECOND_AFTER_MINUTES: u32 = 30;

/// Whom to tell, and how often. Replaces what was set before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAlerts {
    /// Whom; at most ten. Whoever could not be told any more is tried again.
    targets: Vec<NewTarget>,
    /// Minutes after which somebody is told again, 1 to 1,440; 10 if not given.
    #[schema(minimum = 1, maximum = 1440, example = 10)]
    repeat_minutes: Option<u32>,
    /// Minutes after which the second ones are told as well, 1 to 1,440; 30 if not given.
    #[schema(minimum = 1, maximum = 1440, example = 30)]
    second_after_minutes: Option<u32>,
    /// Secret of a Telegram bot of your own; null for the installation's. Not mentioned, it stays. Never shown.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    telegram_bot_token: Token,
}

/// What a request says of the bot.
#[derive(Default)]
pub(crate) enum Token {
    /// Nothing.
    #[default]
    Stays,
    /// Null: the installation's.
    Installation,
    /// One of their own.
    Own(String),
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map_or(Self::Installation, Self::Own))
    }
}

/// Somebody to tell.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTarget {
    /// How.
    kind: TargetKind,
    /// A mail address; or the number of a Telegram chat, or `@channel`, into which the bot was let before.
    #[schema(example = "reception@example.com")]
    address: String,
    /// At once, or after nobody came for a while; `first` if not given.
    #[serde(default)]
    rank: Rank,
    /// When not.
    quiet_hours: Option<NewQuietHours>,
}

impl std::fmt::Debug for NewTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewTarget(..)")
    }
}

/// Hours in which somebody is left alone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewQuietHours {
    /// Their beginning, `HH:MM`.
    #[schema(example = "22:00")]
    from: String,
    /// Their end, `HH:MM`; of the next day, if it is before the beginning.
    #[schema(example = "07:00")]
    to: String,
    /// The person's time zone, by its name in the IANA database.
    #[schema(example = "Europe/Vienna")]
    time_zone: String,
    /// Whether an alert waits for their end, or is sent at once without a sound (Telegram); `defer` if not given.
    #[serde(default)]
    during: During,
}

/// What was asked for, as it can be stored.
pub(crate) struct Checked {
    pub(crate) targets: Vec<Target>,
    pub(crate) repeat_minutes: u32,
    pub(crate) second_after_minutes: u32,
    pub(crate) token: Token,
}

/// What there is to tell people by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Means {
    /// The installation sends mail.
    pub(crate) mail: bool,
    /// The installation has a bot.
    pub(crate) bot: bool,
    /// The tenant has one so far.
    pub(crate) own_bot: bool,
}

/// Checks a request. All refusals are collected.
pub(crate) fn check(request: NewAlerts, means: Means) -> Result<Checked, Problem> {
    let mut checks = Checks::default();
    let has_bot = match &request.telegram_bot_token {
        Token::Stays => means.own_bot || means.bot,
        Token::Installation => means.bot,
        Token::Own(token) => {
            if !telegram::is_token(token) {
                checks.refuse(
                    "telegram_bot_token",
                    "must be the token of a bot, such as 123456:ABC…",
                );
            }
            true
        }
    };
    let minutes = |checks: &mut Checks, field: &str, given: Option<u32>, otherwise: u32| {
        let given = given.unwrap_or(otherwise);
        if !(1..=DAY).contains(&given) {
            checks.refuse(field, format!("must be from 1 to {DAY}"));
        }
        given
    };
    let repeat_minutes = minutes(
        &mut checks,
        "repeat_minutes",
        request.repeat_minutes,
        REPEAT_MINUTES,
    );
    let second_after_minutes = minutes(
        &mut checks,
        "second_after_minutes",
        request.second_after_minutes,
        SECOND_AFTER_MINUTES,
    );
    if request.targets.len() > TARGETS {
        checks.refuse("targets", format!("must have at most {TARGETS} items"));
    }
    let mut targets: Vec<Target> = Vec::new();
    for (index, new) in request.targets.into_iter().take(TARGETS).enumerate() {
        let field = format!("targets[{index}]");
        let target = checked(&mut checks, &field, new, means.mail, has_bot);
        let same = |known: &Target| (known.kind, &known.address) == (target.kind, &target.address);
        if targets.iter().any(same) {
            checks.refuse(format!("{field}.address"), "is there twice");
        }
        targets.push(target);
    }
    checks.finish()?;
    Ok(Checked {
        targets,
        repeat_minutes,
        second_after_minutes,
        token: request.telegram_bot_token,
    })
}

fn checked(checks: &mut Checks, field: &str, new: NewTarget, has_mail: bool, has_bot: bool) -> Target {
    let kind: alert::TargetKind = new.kind.into();
    let given = new.address.trim();
    let address = match kind {
        alert::TargetKind::Mail => {
            if !has_mail {
                checks.refuse(format!("{field}.kind"), "this installation sends no mail");
            }
            let canonical = address::canonical(given).filter(|address| address.is_ascii());
            if canonical.is_none() {
                checks.refuse(format!("{field}.address"), "must be a mail address");
            }
            canonical.unwrap_or_default()
        }
        alert::TargetKind::Telegram => {
            if !has_bot {
                checks.refuse(format!("{field}.kind"), "needs a bot: set telegram_bot_token");
            }
            if !telegram::is_chat(given) {
                checks.refuse(
                    format!("{field}.address"),
                    "must be the number of a chat, or @channel",
                );
            }
            given.to_owned()
        }
    };
    let quiet = new
        .quiet_hours
        .map(|hours| quiet_hours(checks, &format!("{field}.quiet_hours"), &hours, kind));
    Target {
        kind,
        address,
        rank: new.rank.into(),
        quiet,
        trouble: None,
    }
}

fn quiet_hours(
    checks: &mut Checks,
    field: &str,
    hours: &NewQuietHours,
    kind: alert::TargetKind,
) -> QuietHours {
    let mut minute = |name: &str, text: &str| {
        let minute = minute_of(text);
        if minute.is_none() {
            checks.refuse(
                format!("{field}.{name}"),
                "must be a time of the day such as 22:00",
            );
        }
        minute
    };
    let (from, to) = (minute("from", &hours.from), minute("to", &hours.to));
    if from.is_some() && from == to {
        checks.refuse(format!("{field}.to"), "must be another time than from");
    }
    if !quiet::is_zone(&hours.time_zone) {
        checks.refuse(
            format!("{field}.time_zone"),
            "must be a time zone such as Europe/Vienna",
        );
    }
    let during: alert::During = hours.during.into();
    if during == alert::During::Silent && kind == alert::TargetKind::Mail {
        checks.refuse(format!("{field}.during"), "mail makes no sound: only defer");
    }
    QuietHours {
        from: from.unwrap_or_default(),
        to: to.unwrap_or_default(),
        zone: hours.time_zone.clone(),
        during,
    }
}

/// `HH:MM` as a minute of the day.
fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| {
        let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use serde_json::{Value, json};

    const ALL: Means = Means {
        mail: true,
        bot: true,
        own_bot: false,
    };

    fn parsed(body: Value, means: Means) -> Result<Checked, Problem> {
        check(serde_json::from_value(body).unwrap(), means)
    }

    fn refused(body: Value, means: Means) -> Vec<String> {
        let problem = parsed(body, means).err().unwrap();
        problem.errors().iter().map(|error| error.field.clone()).collect()
    }

    #[test]
    fn what_is_good_is_taken_in_one_form() {
        let quiet = json!({"from": "22:00", "to": "07:05", "time_zone": "Europe/Vienna", "during": "silent"});
        let body = json!({"targets": [
            {"kind": "mail", "address": " Ana <Ana@Example.com> "},
            {"kind": "telegram", "address": "-1001234567890", "rank": "second", "quiet_hours": quiet},
        ]});
        let checked = parsed(body, ALL).unwrap();
        let [mail, chat] = checked.targets.as_slice() else {
            unreachable!("two were given")
        };
        assert_eq!(mail.address, "ana@example.com");
        assert_eq!((mail.rank, chat.rank), (alert::Rank::First, alert::Rank::Second));
        let quiet = chat.quiet.as_ref().unwrap();
        assert_eq!((quiet.from, quiet.to), (22 * 60, 7 * 60 + 5));
        assert_eq!((checked.repeat_minutes, checked.second_after_minutes), (10, 30));
        assert!(matches!(checked.token, Token::Stays));
    }

    #[test]
    fn every_refusal_names_its_field() {
        let quiet = |from: &str, to: &str, zone: &str, during: &str| json!({"from": from, "to": to, "time_zone": zone, "during": during});
        let body = json!({
            "targets": [
                {"kind": "mail", "address": "nobody"},
                {"kind": "telegram", "address": "everybody"},
                {"kind": "mail", "address": "a@example.com",
                 "quiet_hours": quiet("24:00", "7", "Vienna", "silent")},
                {"kind": "mail", "address": "A@example.com",
                 "quiet_hours": quiet("07:00", "07:00", "UTC", "defer")},
            ],
            "repeat_minutes": 0,
            "second_after_minutes": 1441,
            "telegram_bot_token": "secret",
        });
        let fields = [
            "telegram_bot_token",
            "repeat_minutes",
            "second_after_minutes",
            "targets[0].address",
            "targets[1].address",
            "targets[2].quiet_hours.from",
            "targets[2].quiet_hours.to",
            "targets[2].quiet_hours.time_zone",
            "targets[2].quiet_hours.during",
            "targets[3].quiet_hours.to",
            "targets[3].address",
        ];
        assert_eq!(refused(body, ALL), fields);
        let target = json!({"kind": "mail", "address": "a@example.com"});
        assert_eq!(refused(json!({"targets": vec![target; 11]}), ALL)[0], "targets");
    }

    #[test]
    fn what_there_are_no_means_for_is_refused() {
        let none = Means {
            mail: false,
            bot: false,
            own_bot: false,
        };
        let body = json!({"targets": [{"kind": "mail", "address": "a@example.com"}, {"kind": "telegram", "address": "1"}]});
        assert_eq!(
            refused(body.clone(), none),
            ["targets[0].kind", "targets[1].kind"]
        );
        let own = Means {
            own_bot: true,
            mail: true,
            ..none
        };
        assert!(parsed(body.clone(), own).is_ok());
        let mut gone = body;
        gone["telegram_bot_token"] = json!(null);
        assert_eq!(refused(gone, own), ["targets[1].kind"], "their own is taken away");
    }
}
