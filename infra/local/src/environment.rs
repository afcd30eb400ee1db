//! The environment of a function: what the template gives, what Lambda adds, and what leads the
//! unmodified AWS SDK to the emulators.

use std::collections::BTreeMap;
use std::path::Path;

use crate::callers::Credentials;
use crate::template::{Function, REGION};

/// Names the file with the domain clock's offset; only the local stack sets it.
pub const CLOCK_VARIABLE: &str = "USHER_LOCAL_CLOCK";
/// Names the one origin on this machine that may be fetched from as if it were on the net; only the local stack sets it.
pub const ORIGIN_VARIABLE: &str = "USHER_LOCAL_ORIGIN";

/// Where the emulated services listen, as URLs.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// `DynamoDB`.
    pub dynamodb: String,
    /// SQS.
    pub sqs: String,
    /// KMS.
    pub kms: String,
    /// STS.
    pub sts: String,
    /// S3, path style.
    pub s3: String,
}

/// Everything a process needs to be `function`, apart from `AWS_LAMBDA_RUNTIME_API`, which differs by
/// instance.
pub fn of_function(
    function: &Function,
    endpoints: &Endpoints,
    base_url: &str,
    credentials: &Credentials,
    clock_file: &Path,
) -> BTreeMap<String, String> {
    let mut environment = function.environment.clone();
    // The template names the file of the cloud's image; where it is absent, the machine's own default counts.
    if environment
        .get("SSL_CERT_FILE")
        .is_some_and(|file| !Path::new(file).exists())
    {
        environment.remove("SSL_CERT_FILE");
    }
    let name = &function.name;
    let log_group = format!("/aws/lambda/{name}");
    let memory = function.memory_mib.to_string();
    let clock = clock_file.to_string_lossy();
    for (variable, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", name.as_str()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
        ("AWS_SESSION_TOKEN", &credentials.session_token),
        ("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb),
        ("AWS_ENDPOINT_URL_SQS", &endpoints.sqs),
        ("AWS_ENDPOINT_URL_KMS", &endpoints.kms),
        ("AWS_ENDPOINT_URL_STS", &endpoints.sts),
        ("AWS_ENDPOINT_URL_S3", &endpoints.s3),
        (
            "AWS_ENDPOINT_URL_SESV2",
            &format!("{base_url}{}/mail/ses", crate::world::PATH),
        ),
        (CLOCK_VARIABLE, &clock),
        (ORIGIN_VARIABLE, base_url),
        // A proxy of the machine must not be asked for loopback.
        ("NO_PROXY", "127.0.0.1,localhost"),
        ("RUST_BACKTRACE", "1"),
    ] {
        environment.insert(variable.to_owned(), value.to_owned());
    }
    environment
}
