//! The command line. Each refusal names the argument.

mod given;
#[cfg(test)]
mod tests;

use std::time::Duration;

use usher_aws::holds::Subject;
use usher_models::Api;
use usher_shared::category::Preset;
use usher_shared::identifier::Identifier;
use usher_shared::ids::{ApiKeyId, HoldId, TenantId};
use usher_shared::scope::Scope;

use self::given::Given;
use crate::OpsError;

pub(crate) const HELP: &str = "\
Tenants and API keys of an Usher stack, and what follows a restore.

    usher-ops tenant create --name <text> --preset hospitality|website|mail --admin <e-mail>
                            [--key-scopes all|a,b,c]
                                         makes a tenant and its first key; the secret is shown this once
    usher-ops tenant list                all tenants
    usher-ops tenant show <tenant>       periods in force, age, admin address [--reveal], knowledge version
    usher-ops key create <tenant> --scopes all|a,b,c [--expires 90d]
    usher-ops key list <tenant>          all keys, never a secret
    usher-ops key rotate <tenant> <key> [--overlap 24h]
                                         a new key like the old one, which ends after the overlap
    usher-ops key revoke <tenant> <key>  the key's next request is refused
    usher-ops hold place <tenant> <conversation|lead> --reason <text>
                                         keeps it from being deleted or swept; the reason is stored sealed
    usher-ops hold release <tenant> <hold>
    usher-ops hold list <tenant>         all holds, the released ones too [--reveal]
    usher-ops model-key set <provider>   keeps the key to anthropic or openai, sealed; reads it from standard input
    usher-ops model-key forget <provider>
    usher-ops receipt verify <file> --keys <file>
                                         whether a receipt of a request of privacy is genuine; needs no stack and no
                                         network. The keys are what /.well-known/usher-receipt-keys.json says
    usher-ops restore status             whether the tables may serve; exit code 1 if not
    usher-ops restore replay [--from-ledger <table>] [--dry-run]
                                         forgets again on restored tables what the ledger says, then lets them serve;
                                         can be broken off and run again at any time

Which stack
    --local <url>            the local stack, such as http://127.0.0.1:8080
    --stack-outputs <file>   a deployed one: what `aws cloudformation describe-stacks` printed; - for standard input
    neither                  a deployed one, by INBOX_TABLE, LEDGER_TABLE, KEYS_TABLE and KMS_KEY_ARN in the environment
    A replay also needs EXPORTS_BUCKET.
    A deployed stack needs AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for passing credentials,
    AWS_SESSION_TOKEN in the environment.

Options
    --json                   results as one JSON document
    --help                   this text

Durations are whole numbers of w, d, h, m, s: 90d, 24h, 1d12h.
Exit code: 0 done, 1 failed, 2 bad arguments, 3 not found.";

/// How long both keys work after a rotation unless told otherwise.
const OVERLAP: Duration = Duration::from_hours(24);
const NAME_CHARACTERS: usize = 100;
const REASON_CHARACTERS: usize = 500;

/// A parsed command line.
#[derive(Debug, PartialEq)]
pub(crate) enum Parsed {
    /// Say what there is.
    Help,
    /// Do it.
    Run(Request),
}

/// What to do, where, and how to say it.
#[derive(Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) target: Target,
    pub(crate) json: bool,
    pub(crate) command: Command,
}

/// Which stack.
#[derive(Debug, PartialEq)]
pub(crate) enum Target {
    /// The local stack at this URL.
    Local(String),
    /// A deployed stack by the outputs in this file; `-` is standard input.
    Outputs(String),
    /// A deployed stack by the environment alone.
    Environment,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    TenantCreate {
        name: String,
        preset: Preset,
        admin: String,
        scopes: Vec<Scope>,
    },
    TenantList,
    TenantShow {
        tenant: TenantId,
        reveal: bool,
    },
    KeyCreate {
        tenant: TenantId,
        scopes: Vec<Scope>,
        expires: Option<Duration>,
    },
    KeyList {
        tenant: TenantId,
    },
    KeyRotate {
        tenant: TenantId,
        key: ApiKeyId,
        overlap: Duration,
    },
    KeyRevoke {
        tenant: TenantId,
        key: ApiKeyId,
    },
    HoldPlace {
        tenant: TenantId,
        subject: Subject,
        reason: String,
    },
    HoldRelease {
        tenant: TenantId,
        hold: HoldId,
    },
    HoldList {
        tenant: TenantId,
        reveal: bool,
    },
    ModelKeySet {
        provider: Api,
    },
    ModelKeyForget {
        provider: Api,
    },
    ReceiptVerify {
        file: String,
        keys: String,
    },
    RestoreStatus,
    RestoreReplay {
        /// Name of a newer ledger; without one the stack's own is the newest.
        from: Option<String>,
        dry: bool,
    },
}

fn refuse<T>(text: impl Into<String>) -> Result<T, OpsError> {
    Err(OpsError::Arguments(text.into()))
}

/// Parses the arguments.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Parsed, OpsError> {
    let mut given = Given::read(arguments)?;
    if given.flag("--help") || given.flag("-h") {
        return Ok(Parsed::Help);
    }
    let json = given.flag("--json");
    let target = match (given.option("--local"), given.option("--stack-outputs")) {
        (Some(_), Some(_)) => return refuse("--local and --stack-outputs exclude each other"),
        (Some(url), None) => Target::Local(url),
        (None, Some(file)) => Target::Outputs(file),
        (None, None) => Target::Environment,
    };
    let (group, verb) = (given.words.next(), given.words.next());
    let command = match (group.as_deref(), verb.as_deref()) {
        (Some("tenant"), Some("create")) => tenant_create(&mut given)?,
        (Some("tenant"), Some("list")) => Command::TenantList,
        (Some("tenant"), Some("show")) => Command::TenantShow {
            tenant: given.id("tenant")?,
            reveal: given.flag("--reveal"),
        },
        (Some("key"), Some("create")) => Command::KeyCreate {
            tenant: given.id("tenant")?,
            scopes: scopes("--scopes", &given.required("--scopes")?)?,
            expires: duration(&mut given, "--expires")?,
        },
        (Some("key"), Some("list")) => Command::KeyList {
            tenant: given.id("tenant")?,
        },
        (Some("key"), Some("rotate")) => Command::KeyRotate {
            tenant: given.id("tenant")?,
            key: given.id("key")?,
            overlap: duration(&mut given, "--overlap")?.unwrap_or(OVERLAP),
        },
        (Some("key"), Some("revoke")) => Command::KeyRevoke {
            tenant: given.id("tenant")?,
            key: given.id("key")?,
        },
        (Some("hold"), Some("place")) => Command::HoldPlace {
            tenant: given.id("tenant")?,
            subject: given.id("conversation|lead")?,
            reason: reason(&given.required("--reason")?)?,
        },
        (Some("hold"), Some("release")) => Command::HoldRelease {
            tenant: given.id("tenant")?,
            hold: given.id("hold")?,
        },
        (Some("hold"), Some("list")) => Command::HoldList {
            tenant: given.id("tenant")?,
            reveal: given.flag("--reveal"),
        },
        (Some("model-key"), Some("set")) => Command::ModelKeySet {
            provider: provider(given.words.next().as_deref())?,
        },
        (Some("model-key"), Some("forget")) => Command::ModelKeyForget {
            provider: provider(given.words.next().as_deref())?,
        },
        (Some("receipt"), Some("verify")) => Command::ReceiptVerify {
            file: given.id("file")?,
            keys: given.required("--keys")?,
        },
        (Some("restore"), Some("status")) => Command::RestoreStatus,
        (Some("restore"), Some("replay")) => Command::RestoreReplay {
            from: table(&mut given, "--from-ledger")?,
            dry: given.flag("--dry-run"),
        },
        (None, _) => return refuse("a command is missing"),
        (Some(group @ ("tenant" | "key" | "hold" | "model-key" | "receipt" | "restore")), None) => {
            return refuse(format!("{group} needs to know what to do"));
        }
        (Some(group), verb) => {
            let command = [group, verb.unwrap_or_default()].join(" ");
            return refuse(format!("unknown command {}", command.trim_end()));
        }
    };
    given.finish()?;
    Ok(Parsed::Run(Request {
        target,
        json,
        command,
    }))
}

fn tenant_create(given: &mut Given) -> Result<Command, OpsError> {
    let name = given.required("--name")?.trim().to_owned();
    let length = name.chars().count();
    if !(1..=NAME_CHARACTERS).contains(&length) || name.chars().any(char::is_control) {
        return refuse(format!(
            "--name must be one line of 1 to {NAME_CHARACTERS} characters"
        ));
    }
    let preset = match given.required("--preset")?.as_str() {
        "hospitality" => Preset::Hospitality,
        "website" => Preset::Website,
        "mail" => Preset::Mail,
        other => {
            return refuse(format!("--preset {other} is none of hospitality, website, mail"));
        }
    };
    // The address itself is not repeated: terminals are logged too.
    let admin = given.required("--admin")?.trim().to_owned();
    if let Err(error) = Identifier::email(&admin) {
        return refuse(format!("--admin {error}"));
    }
    let scopes = match given.option("--key-scopes") {
        Some(text) => scopes("--key-scopes", &text)?,
        None => Scope::ALL.to_vec(),
    };
    Ok(Command::TenantCreate {
        name,
        preset,
        admin,
        scopes,
    })
}

/// Who takes a key. Bedrock takes none: functions call it under their role.
fn provider(word: Option<&str>) -> Result<Api, OpsError> {
    match word {
        Some("anthropic") => Ok(Api::Anthropic),
        Some("openai") => Ok(Api::OpenAi),
        None => refuse("<provider> is missing"),
        Some(other) => refuse(format!("<provider> {other} is none of anthropic, openai")),
    }
}

/// The text itself is not repeated: it may name somebody.
fn reason(text: &str) -> Result<String, OpsError> {
    let text = text.trim();
    if !(1..=REASON_CHARACTERS).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        return refuse(format!(
            "--reason must be one line of 1 to {REASON_CHARACTERS} characters"
        ));
    }
    Ok(text.to_owned())
}

fn scopes(option: &str, text: &str) -> Result<Vec<Scope>, OpsError> {
    if text == "all" {
        return Ok(Scope::ALL.to_vec());
    }
    let mut scopes = Vec::new();
    for word in text.split(',').map(str::trim) {
        let Ok(scope) = word.parse::<Scope>() else {
            let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
            return refuse(format!(
                "{option} {word} is not a scope; there are: all, {}",
                known.join(", ")
            ));
        };
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// The name of a table, by DynamoDB's own rules.
fn table(given: &mut Given, option: &str) -> Result<Option<String>, OpsError> {
    let Some(name) = given.option(option) else {
        return Ok(None);
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if !(3..=255).contains(&name.len()) || !name.bytes().all(allowed) {
        return refuse(format!("{option} {name} is not the name of a table"));
    }
    Ok(Some(name))
}

fn duration(given: &mut Given, option: &str) -> Result<Option<Duration>, OpsError> {
    let Some(text) = given.option(option) else {
        return Ok(None);
    };
    match parse_duration(&text) {
        Some(duration) => Ok(Some(duration)),
        None => refuse(format!(
            "{option} {text} is not a duration such as 90d, 24h or 1d12h"
        )),
    }
}

/// Parses `90d`, `24h`, `1d12h`, `0s`. `None` for all else and for more than ten years, which is a slip of the
/// finger.
fn parse_duration(text: &str) -> Option<Duration> {
    const TEN_YEARS: u64 = 10 * 366 * 86_400;
    let (mut seconds, mut number) = (0_u64, String::new());
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        let count: u64 = std::mem::take(&mut number).parse().ok()?;
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
    }
    let whole = !text.is_empty() && number.is_empty() && seconds <= TEN_YEARS;
    whole.then(|| Duration::from_secs(seconds))
}
