//! SDK clients: one HTTP client, one set of timeouts, built in one place.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedCredentialsProvider};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;

use crate::settings::{AwsService, MissingVariable, Settings};

/// Bounds of a single call. There are none by default. An operation may outlast the invocation's own
/// deadline by nothing: handlers run under [`crate::deadline::Deadline`], which is nearer.
const CONNECT: Duration = Duration::from_millis(1_500);
const ATTEMPT: Duration = Duration::from_secs(4);
const OPERATION: Duration = Duration::from_secs(12);
const ATTEMPTS: u32 = 4;

/// The clients of one function, under its own role.
#[derive(Clone, Debug)]
pub struct Clients {
    settings: Settings,
    shared: SdkConfig,
    /// The function's own credentials; an operator's, in the operator's tool.
    pub credentials: Credentials,
    /// `DynamoDB` under the function's own role: the directory, nothing of a tenant's.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// KMS under the function's own role.
    pub kms: aws_sdk_kms::Client,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// STS, for the credentials of scopes.
    pub sts: aws_sdk_sts::Client,
}

impl Clients {
    /// Builds the clients from the environment that Lambda gives.
    ///
    /// # Errors
    /// [`MissingVariable`] if region or credentials are missing.
    pub fn new(settings: &Settings) -> Result<Self, MissingVariable> {
        let credentials = Credentials::new(
            settings.access_key_id()?,
            settings.secret_access_key()?,
            settings.session_token(),
            None,
            "lambda",
        );
        let shared = shared_config(settings.region()?, credentials.clone(), needs_tls(settings));
        let at = |service| with_endpoint(&shared, settings.endpoint(service));
        #[expect(clippy::disallowed_methods, reason = "the one place that builds SDK clients")]
        let clients = Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&at(AwsService::DynamoDb)),
            kms: aws_sdk_kms::Client::new(&at(AwsService::Kms)),
            sqs: aws_sdk_sqs::Client::new(&at(AwsService::Sqs)),
            sts: aws_sdk_sts::Client::new(&at(AwsService::Sts)),
            settings: settings.clone(),
            credentials,
            shared,
        };
        Ok(clients)
    }

    /// S3 under other credentials, sharing connections with these. Made where it is needed: most functions
    /// never touch a file.
    pub fn s3_under(&self, credentials: Credentials) -> aws_sdk_s3::Client {
        let endpoint = self.settings.endpoint(AwsService::S3);
        let config = aws_sdk_s3::config::Builder::from(&with_endpoint(&self.shared, endpoint.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            // Buckets have no host names of their own on one machine.
            .force_path_style(endpoint.is_some())
            // The signature covers the body's SHA-256 already; checksums of parts would have to be repeated
            // when an upload is completed, perhaps by another worker.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        #[expect(clippy::disallowed_methods, reason = "the one place that builds SDK clients")]
        let client = aws_sdk_s3::Client::from_conf(config);
        client
    }

    /// `DynamoDB` and KMS under other credentials, sharing connections with these.
    pub fn under(&self, credentials: Credentials) -> (aws_sdk_dynamodb::Client, aws_sdk_kms::Client) {
        let provider = SharedCredentialsProvider::new(credentials);
        let config = self
            .shared
            .clone()
            .into_builder()
            .credentials_provider(provider)
            .build();
        #[expect(clippy::disallowed_methods, reason = "the one place that builds SDK clients")]
        let clients = (
            aws_sdk_dynamodb::Client::new(&with_endpoint(
                &config,
                self.settings.endpoint(AwsService::DynamoDb),
            )),
            aws_sdk_kms::Client::new(&with_endpoint(&config, self.settings.endpoint(AwsService::Kms))),
        );
        clients
    }
}

/// The local stack speaks plain HTTP on loopback; then no certificates are loaded at all.
fn needs_tls(settings: &Settings) -> bool {
    [
        AwsService::DynamoDb,
        AwsService::Kms,
        AwsService::Sqs,
        AwsService::Sts,
        AwsService::S3,
    ]
    .into_iter()
    .any(|service| {
        settings
            .endpoint(service)
            .is_none_or(|url| url.starts_with("https:"))
    })
}

fn with_endpoint(config: &SdkConfig, endpoint: Option<String>) -> SdkConfig {
    let mut builder = config.clone().into_builder();
    builder.set_endpoint_url(endpoint);
    builder.build()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that configures the SDK and its HTTP client"
)]
fn shared_config(region: String, credentials: Credentials, tls: bool) -> SdkConfig {
    use aws_smithy_http_client::{Builder, tls};

    let http = if tls {
        Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_https()
    } else {
        Builder::new().build_http()
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
        .build()
}
