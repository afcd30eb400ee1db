//! A refusal: the answer in the service's own format, and the line that says what is missing where.

use std::fmt::Write as _;

use axum::response::Response;
use http::{HeaderValue, StatusCode};

use super::calls::Ask;
use super::roles::Rules;
use super::{Principal, Who};
use crate::proxy::{Service, refusal};
use crate::template::ACCOUNT;

/// Why something is not allowed.
#[derive(Debug, Clone)]
pub(super) enum Lack {
    /// The role's own policies do not allow it.
    Own,
    /// The policy of the role to be taken does not.
    Trust,
    /// The key's policy does not.
    Key,
    /// A statement denies it.
    DeniedBy(String),
    /// The local stack does not know what the call asks for.
    NotUnderstood(String),
}

/// A refused ask.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) function: String,
    /// Logical id of the role, or the service that acts.
    pub(super) role: String,
    pub(super) action: String,
    pub(super) resource: String,
    /// What would have to be said where for it to be allowed. Holds no values of keys.
    pub(super) missing: String,
    why: String,
}

impl Refusal {
    pub(super) fn new(who: &Who, ask: &Ask, lack: Lack, rules: &Rules) -> Self {
        let role = who.role().rsplit('/').next().unwrap_or_default().to_owned();
        let (action, resource) = (ask.action.clone(), ask.resource.clone());
        let (why, missing) = match lack {
            Lack::Own => (
                format!("because no identity-based policy allows the {action} action"),
                match foreign(who, ask) {
                    Some(what) => {
                        format!("nothing should allow it: {what} is another tenant's than the session's")
                    }
                    None => format!("missing in {role}: {}", statement(who, ask, rules)),
                },
            ),
            Lack::Trust => {
                let principal = match &who.asker {
                    Principal::Role(role) => format!("AWS: {}", spelled(role, who, rules)),
                    Principal::Service(service) => format!("Service: {service}"),
                };
                let owner = resource.rsplit('/').next().unwrap_or_default();
                (
                    format!("because no resource-based policy allows the {action} action"),
                    format!(
                        "missing in the trust policy of {owner}: - {{Effect: Allow, Principal: {{{principal}}}, Action: {action}}}"
                    ),
                )
            }
            Lack::Key => (
                format!("because no resource-based policy allows the {action} action"),
                format!(
                    "missing in the policy of {}: - {{Effect: Allow, Action: {action}, …}}",
                    spelled(&resource, who, rules)
                ),
            ),
            Lack::DeniedBy(statement) => (
                "with an explicit deny".to_owned(),
                format!("{statement} denies it"),
            ),
            Lack::NotUnderstood(problem) => (
                "because the local stack cannot judge it".to_owned(),
                format!("the local stack cannot judge it: {problem}"),
            ),
        };
        Self {
            function: who.function.clone(),
            role,
            action,
            resource,
            missing,
            why,
        }
    }

    /// The line for the person at the machine.
    pub(super) fn line(&self) -> String {
        let Self {
            function,
            role,
            action,
            resource,
            missing,
            ..
        } = self;
        format!("refused: {function} as {role} may not {action} on {resource}; {missing}")
    }

    /// What the cloud says.
    pub(super) fn message(&self) -> String {
        let Self {
            function,
            role,
            action,
            resource,
            why,
            ..
        } = self;
        let user = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{function}");
        format!("User: {user} is not authorized to perform: {action} on resource: {resource} {why}")
    }

    /// The answer as the service gives it.
    pub(super) fn answer(&self, service: Service) -> Response {
        let message = self.message();
        let json = "com.amazon.coral.service#AccessDeniedException";
        match service {
            Service::DynamoDb => refusal(service, StatusCode::BAD_REQUEST, json, &message),
            Service::Kms => refusal(
                service,
                StatusCode::BAD_REQUEST,
                "AccessDeniedException",
                &message,
            ),
            Service::Sqs => {
                let mut answer = refusal(service, StatusCode::FORBIDDEN, json, &message);
                // Clients that spoke the older protocol know the older code.
                let code = HeaderValue::from_static("AccessDenied;Sender");
                answer.headers_mut().insert("x-amzn-query-error", code);
                answer
            }
            Service::S3 | Service::Sts => {
                let escaped = message
                    .replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;");
                refusal(service, StatusCode::FORBIDDEN, "AccessDenied", &escaped)
            }
        }
    }
}

/// The tenant of the session's tag.
fn tenant(who: &Who) -> Option<&str> {
    who.tags.get("tenant").map(String::as_str)
}

/// Whether a name starts with the tenant's own, as keys (`tn_1#…`) and files (`tn_1/…`) do.
fn is_of(name: &str, tenant: &str, separator: char) -> bool {
    name.strip_prefix(tenant)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(separator))
}

/// What of an ask belongs to another tenant than the session's.
fn foreign(who: &Who, ask: &Ask) -> Option<&'static str> {
    let tenant = tenant(who)?;
    let partitions = ask.context.all("dynamodb:leadingkeys");
    if partitions.iter().any(|key| !is_of(key, tenant, '#')) {
        return Some("a partition");
    }
    if ask
        .context
        .single("kms:encryptioncontext:tenant")
        .is_some_and(|of| of != tenant)
    {
        return Some("the wrapped key");
    }
    let file = ask
        .resource
        .strip_prefix("arn:aws:s3:::")
        .and_then(|file| file.split_once('/'));
    file.filter(|(_, key)| !is_of(key, tenant, '/'))
        .map(|_| "the file")
}

/// A statement that would allow it, as narrow as the roles' own.
fn statement(who: &Who, ask: &Ask, rules: &Rules) -> String {
    let mut line = format!(
        "- {{Effect: Allow, Action: {}, Resource: {}",
        ask.action,
        spelled(&ask.resource, who, rules)
    );
    let partitions = ask.context.all("dynamodb:leadingkeys");
    if !partitions.is_empty() {
        let mut forms: Vec<String> = partitions.iter().map(|key| form(key, tenant(who))).collect();
        forms.sort();
        forms.dedup();
        let forms = forms.join(", ");
        let _infallible = write!(
            line,
            ", Condition: {{ForAllValues:StringLike: {{dynamodb:LeadingKeys: [{forms}]}}}}"
        );
    }
    for key in [
        "kms:encryptioncontext:tenant",
        "kms:encryptioncontext:purpose",
        "kms:viaservice",
    ] {
        if let Some(value) = ask.context.single(key) {
            let value = if tenant(who) == Some(value) {
                "\"${aws:PrincipalTag/tenant}\""
            } else {
                value
            };
            let key = key
                .replace("encryptioncontext", "EncryptionContext")
                .replace("viaservice", "ViaService");
            let _infallible = write!(line, ", Condition: {{StringEquals: {{{key}: {value}}}}}");
            break;
        }
    }
    line.push('}');
    line
}

/// A partition's key without what is individual in it.
fn form(key: &str, tenant: Option<&str>) -> String {
    match tenant.and_then(|tenant| key.strip_prefix(tenant)) {
        Some("") => "\"${aws:PrincipalTag/tenant}\"".to_owned(),
        Some(_) => "\"${aws:PrincipalTag/tenant}#*\"".to_owned(),
        None => match key.split_once('#') {
            Some((first, _)) => format!("\"{first}#*\""),
            None => format!("\"{key}\""),
        },
    }
}

/// An ARN as the template writes it.
fn spelled(arn: &str, who: &Who, rules: &Rules) -> String {
    if let Some(spelled) = rules.spelled.get(arn) {
        return spelled.clone();
    }
    let owner = rules.spelled.iter().find_map(|(known, spelled)| {
        let rest = arn.strip_prefix(known.as_str())?;
        Some((spelled.strip_prefix("!GetAtt ")?, rest.strip_prefix('/')?))
    });
    match owner {
        Some((attribute, rest)) if arn.starts_with("arn:aws:s3:") => match tenant(who) {
            Some(tenant) if is_of(rest, tenant, '/') => {
                format!("!Sub ${{{attribute}}}/${{!aws:PrincipalTag/tenant}}/*")
            }
            _ => format!("!Sub ${{{attribute}}}/*"),
        },
        Some((attribute, rest)) => format!("!Sub ${{{attribute}}}/{rest}"),
        None => arn.to_owned(),
    }
}
