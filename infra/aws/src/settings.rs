//! What a function is told by its environment. The only place that reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A variable that a function needs is missing or empty. Names the variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {0} is not set")]
pub struct MissingVariable(pub &'static str);

/// Settings common to all functions. Which of them a function has follows from its resource in
/// `template.yaml`; asking for one that it lacks is an error that names it.
#[derive(Clone)]
pub struct Settings {
    read: Arc<Source>,
}

/// Where settings come from: the value of a variable, if it is set.
type Source = dyn Fn(&'static str) -> Option<String> + Send + Sync;

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Settings")
    }
}

macro_rules! variables {
    ($($(#[$doc:meta])* $name:ident = $variable:literal;)*) => {
        impl Settings {
            $($(#[$doc])*
            ///
            /// # Errors
            /// [`MissingVariable`] if the function was not given it.
            pub fn $name(&self) -> Result<String, MissingVariable> {
                self.required($variable)
            })*
        }
    };
}

variables! {
    /// Name of the Inbox table.
    inbox_table = "INBOX_TABLE";
    /// Name of the Ledger table.
    ledger_table = "LEDGER_TABLE";
    /// Name of the Keys table.
    keys_table = "KEYS_TABLE";
    /// ARN of the KMS key that wraps tenant keys.
    kms_key = "KMS_KEY_ARN";
    /// ARN of the role that reaches one tenant's rows, given that tenant as session tag.
    tenant_role = "TENANT_ROLE_ARN";
    /// ARN of the role that may only read one tenant's rows, given that tenant as session tag.
    preview_role = "PREVIEW_ROLE_ARN";
    /// URL of the queue of inbound messages to answer.
    reply_queue = "REPLY_QUEUE_URL";
    /// URL of the queue of outbound messages to deliver.
    deliver_queue = "DELIVER_QUEUE_URL";
    /// URL of the dead letters of the reply queue.
    reply_dead_letters = "REPLY_DEAD_LETTERS_URL";
    /// URL of the dead letters of the deliver queue.
    deliver_dead_letters = "DELIVER_DEAD_LETTERS_URL";
    /// URL of the dead letters of the stream.
    stream_dead_letters = "STREAM_DEAD_LETTERS_URL";
    /// URL of the dead letters of the queue of erasures.
    erasure_dead_letters = "ERASURE_DEAD_LETTERS_URL";
    /// URL of the dead letters of the queue of exports.
    export_dead_letters = "EXPORT_DEAD_LETTERS_URL";
    /// URL of the queue of erasures.
    erasure_queue = "ERASURE_QUEUE_URL";
    /// Seconds after which no function can still hold a key that was deleted.
    second_look_seconds = "SECOND_LOOK_SECONDS";
    /// URL of the queue of exports to write.
    export_queue = "EXPORT_QUEUE_URL";
    /// Name of the bucket of exports' files.
    exports_bucket = "EXPORTS_BUCKET";
    /// URL under which the API is reached from outside, without a slash at its end.
    public_base_url = "PUBLIC_BASE_URL";
    /// Meta's Graph API with its version.
    graph_url = "GRAPH_URL";
    /// Instagram's own Graph API with its version.
    instagram_graph_url = "INSTAGRAM_GRAPH_URL";
    /// Twilio's API.
    twilio_url = "TWILIO_URL";
    /// Resend's API.
    resend_url = "RESEND_URL";
    /// Name of the bucket of attachments.
    attachments_bucket = "ATTACHMENTS_BUCKET";
    /// URL of the queue of attachments to fetch.
    attachment_queue = "ATTACHMENT_QUEUE_URL";
    /// URL of the dead letters of the queue of attachments.
    attachment_dead_letters = "ATTACHMENT_DEAD_LETTERS_URL";
    /// URL of the queue of waits of which somebody has to be told.
    alert_queue = "ALERT_QUEUE_URL";
    /// URL of the dead letters of the queue of alerts.
    alert_dead_letters = "ALERT_DEAD_LETTERS_URL";
    /// Telegram's Bot API.
    telegram_url = "TELEGRAM_URL";
    /// Name of the bucket that SES puts mail into.
    mail_bucket = "MAIL_BUCKET";
    /// AWS region; set by Lambda.
    region = "AWS_REGION";
    /// Access key of the function's role; set by Lambda.
    access_key_id = "AWS_ACCESS_KEY_ID";
    /// Secret key of the function's role; set by Lambda.
    secret_access_key = "AWS_SECRET_ACCESS_KEY";
}

impl Settings {
    /// Reads the process's environment.
    pub fn from_environment() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the environment"
        )]
        fn read(name: &'static str) -> Option<String> {
            std::env::var(name).ok()
        }
        Self { read: Arc::new(read) }
    }

    /// Settings from another source: the operator's tools and tests.
    pub fn from_source(read: impl Fn(&'static str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read) }
    }

    /// These settings with `given` in place of what the source says, or beside it: for the operator's tools.
    #[must_use]
    pub fn with(&self, given: BTreeMap<String, String>) -> Self {
        let rest = Arc::clone(&self.read);
        Self::from_source(move |name| given.get(name).cloned().or_else(|| rest(name)))
    }

    /// Session token of the function's role; absent for long-lived credentials.
    pub fn session_token(&self) -> Option<String> {
        self.optional("AWS_SESSION_TOKEN")
    }

    /// Name of the function; `local` outside Lambda.
    pub fn function_name(&self) -> String {
        self.optional("AWS_LAMBDA_FUNCTION_NAME")
            .unwrap_or_else(|| "local".to_owned())
    }

    /// The domain whose mail is taken; absent where there is no mail.
    pub fn mail_domain(&self) -> Option<String> {
        self.optional("MAIL_DOMAIN")
    }

    /// The configuration set that mail is sent under, which has its events told; absent where there is no mail.
    pub fn mail_set(&self) -> Option<String> {
        self.optional("MAIL_CONFIGURATION_SET")
    }

    /// Language models that may be called, and in which order they are; empty where none is.
    pub fn ai_providers(&self) -> String {
        self.optional("AI_PROVIDERS").unwrap_or_default()
    }

    /// The installation's own Telegram bot, for tenants without one; absent if there is none.
    pub fn telegram_bot_token(&self) -> Option<String> {
        self.optional("TELEGRAM_BOT_TOKEN")
    }

    /// Where people read conversations, without a slash at its end; absent where that is the API alone.
    pub fn console_url(&self) -> Option<String> {
        self.optional("CONSOLE_URL")
    }

    /// Where SES takes mail.
    ///
    /// # Errors
    /// [`MissingVariable`] if nobody said in which region.
    pub fn ses_url(&self) -> Result<String, MissingVariable> {
        match self.endpoint(AwsService::SesV2) {
            Some(url) => Ok(url),
            None => Ok(format!("https://email.{}.amazonaws.com", self.region()?)),
        }
    }

    /// Secrets of the Meta apps that sign webhooks; empty where none is set: then no webhook is believed.
    pub fn meta_app_secrets(&self) -> Vec<String> {
        self.several("META_APP_SECRETS")
    }

    /// Ids of these apps, in the same order; empty where none is set: then nobody is found by the id that an app knows
    /// them by.
    pub fn meta_app_ids(&self) -> Vec<String> {
        self.several("META_APP_IDS")
    }

    fn several(&self, name: &'static str) -> Vec<String> {
        let values = self.optional(name).unwrap_or_default();
        let values = values.split(',').map(str::trim);
        values
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// What Meta shows when it asks whether a webhook is ours.
    pub fn meta_verify_token(&self) -> Option<String> {
        self.optional("META_VERIFY_TOKEN")
    }

    /// The one origin on this machine that may be fetched from as if it were on the net. Set by the local stack alone;
    /// a test sees to it that `template.yaml` never sets it.
    pub fn local_origin(&self) -> Option<String> {
        self.optional("USHER_LOCAL_ORIGIN")
    }

    /// File with the domain clock's offset. Set by the local stack alone; a test sees to it that
    /// `template.yaml` never sets it.
    pub fn local_clock(&self) -> Option<String> {
        self.optional("USHER_LOCAL_CLOCK")
    }

    /// Endpoint of a service (`DYNAMODB`, `KMS`, `SQS`, `STS`, `S3`) if it is not AWS's own.
    pub fn endpoint(&self, service: AwsService) -> Option<String> {
        self.optional(service.variable())
    }

    fn required(&self, name: &'static str) -> Result<String, MissingVariable> {
        self.optional(name).ok_or(MissingVariable(name))
    }

    fn optional(&self, name: &'static str) -> Option<String> {
        (self.read)(name).filter(|value| !value.is_empty())
    }
}

/// The AWS services that are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsService {
    /// `DynamoDB`.
    DynamoDb,
    /// Key Management Service.
    Kms,
    /// Simple Queue Service.
    Sqs,
    /// Security Token Service.
    Sts,
    /// Simple Storage Service.
    S3,
    /// Simple Email Service, version 2 of its API.
    SesV2,
}

impl AwsService {
    const fn variable(self) -> &'static str {
        match self {
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::Kms => "AWS_ENDPOINT_URL_KMS",
            Self::Sqs => "AWS_ENDPOINT_URL_SQS",
            Self::Sts => "AWS_ENDPOINT_URL_STS",
            Self::S3 => "AWS_ENDPOINT_URL_S3",
            Self::SesV2 => "AWS_ENDPOINT_URL_SESV2",
        }
    }
}
