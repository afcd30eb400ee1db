//! Which stack: from arguments and environment to a platform.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use usher_aws::Platform;
use usher_aws::clock::{SystemClock, SystemEntropy};
use usher_aws::settings::Settings;

use crate::OpsError;
use crate::arguments::Target;

/// Outputs of `template.yaml` and the variables that stand for them.
const OUTPUTS: [(&str, &str); 5] = [
    ("InboxTableName", "INBOX_TABLE"),
    ("LedgerTableName", "LEDGER_TABLE"),
    ("KeysTableName", "KEYS_TABLE"),
    ("SealingKeyArn", "KMS_KEY_ARN"),
    ("ExportsBucketName", "EXPORTS_BUCKET"),
];

/// The stack's platform, as its operator.
pub(crate) async fn connect(target: &Target) -> Result<Platform, OpsError> {
    let environment = Settings::from_environment();
    let settings = match target {
        Target::Environment => environment,
        Target::Outputs(file) => environment.with(outputs(file)?),
        Target::Local(url) => {
            let variables = local(url).await?;
            // The stack's own words alone: nothing of the operator's environment may lead elsewhere.
            Settings::from_source(move |name| variables.get(name).cloned())
        }
    };
    let clock = Arc::new(SystemClock::new(settings.local_clock().map(Into::into)));
    Platform::new(settings, clock, Arc::new(SystemEntropy))
        .map_err(|missing| OpsError::Arguments(missing.to_string()))
}

/// Reads table names and key from what CloudFormation printed.
fn outputs(file: &str) -> Result<BTreeMap<String, String>, OpsError> {
    let wrong = |problem: &str| OpsError::Arguments(format!("--stack-outputs {file}: {problem}"));
    let text = if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|error| wrong(&error.to_string()))?;
    parse_outputs(&text).map_err(|problem| wrong(&problem))
}

fn parse_outputs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let document: Value = serde_json::from_str(text).map_err(|_| "is not JSON".to_owned())?;
    let stacks = document.get("Stacks").and_then(Value::as_array);
    let stacks = stacks.ok_or("is not what `aws cloudformation describe-stacks` prints")?;
    let [stack] = stacks.as_slice() else {
        return Err("holds more than one stack or none; give describe-stacks a --stack-name".to_owned());
    };
    let all = stack.get("Outputs").and_then(Value::as_array);
    let value_of = |wanted: &str| {
        let found = all
            .into_iter()
            .flatten()
            .find(|output| output.get("OutputKey").and_then(Value::as_str) == Some(wanted))?;
        found.get("OutputValue")?.as_str().map(str::to_owned)
    };
    let mut variables = BTreeMap::new();
    for (output, variable) in OUTPUTS {
        let value = value_of(output).ok_or_else(|| format!("has no output {output}"))?;
        variables.insert(variable.to_owned(), value);
    }
    Ok(variables)
}

#[derive(Deserialize)]
struct LocalEnvironment {
    variables: BTreeMap<String, String>,
}

/// Asks the local stack for its operator's variables.
async fn local(url: &str) -> Result<BTreeMap<String, String>, OpsError> {
    let failed = |problem: &str| OpsError::Failed(format!("--local {url}: {problem}"));
    let parsed: reqwest::Url = url.parse().map_err(|_| {
        OpsError::Arguments(format!(
            "--local {url} is not a URL such as http://127.0.0.1:8080"
        ))
    })?;
    let host = parsed.host_str().unwrap_or_default();
    let loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if parsed.scheme() != "http" || !loopback {
        return Err(OpsError::Arguments(format!(
            "--local {url} is not a plain HTTP address of this machine"
        )));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the tool's one HTTP client, for loopback alone"
    )]
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .build()
        .map_err(|error| failed(&error.to_string()))?;
    let address = format!("{}/_local/environment", url.trim_end_matches('/'));
    let answer = client.get(address).send().await;
    let answer = answer.map_err(|_| failed("nothing answers there; is the stack running?"))?;
    let environment = answer.json::<LocalEnvironment>().await;
    environment
        .map(|environment| environment.variables)
        .map_err(|_| failed("what answers there is no local stack of this version"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    #[test]
    fn outputs_are_read_from_what_cloudformation_prints() {
        let output =
            |name: &str| json!({"OutputKey": name, "OutputValue": format!("the {name}"), "Description": "x"});
        let all: Vec<Value> = OUTPUTS.iter().map(|(name, _)| output(name)).collect();
        let text = json!({"Stacks": [{"StackName": "usher", "Outputs": all}]}).to_string();
        let found = parse_outputs(&text).unwrap();
        assert_eq!(found.get("KMS_KEY_ARN").unwrap(), "the SealingKeyArn");
        assert_eq!(found.len(), OUTPUTS.len());

        let lacking = json!({"Stacks": [{"Outputs": [output("InboxTableName")]}]}).to_string();
        for (text, problem) in [
            ("", "is not JSON"),
            ("{}", "describe-stacks"),
            (r#"{"Stacks": []}"#, "--stack-name"),
            (r#"{"Stacks": [{}]}"#, "InboxTableName"),
            (lacking.as_str(), "LedgerTableName"),
        ] {
            assert!(parse_outputs(text).unwrap_err().contains(problem), "{text}");
        }
    }

    #[tokio::test]
    async fn the_local_stack_is_on_this_machine() {
        for url in [
            "https://127.0.0.1:1",
            "http://usher.example",
            "nonsense",
            "http://10.0.0.1:8080",
        ] {
            assert!(matches!(local(url).await, Err(OpsError::Arguments(_))), "{url}");
        }
        assert!(matches!(
            local("http://127.0.0.1:9").await,
            Err(OpsError::Failed(_))
        ));
    }
}
