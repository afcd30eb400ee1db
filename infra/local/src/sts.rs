//! STS: an emulator behind the proxy. The credentials of each assumed role are entered among the callers,
//! with the function that assumed it and the session's tags.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use winterbaume_core::{MockRequest, MockService as _};
use winterbaume_sts::StsService;

use crate::callers::{Caller, Callers};
use crate::kms::into_response;
use crate::proxy::{Call, Service, form_pairs, form_value, refusal};
use crate::template::REGION;

/// The emulated service.
pub struct Sts {
    service: StsService,
    callers: Arc<Callers>,
    roles: BTreeSet<String>,
}

impl Sts {
    /// A service that knows the template's roles (by ARN) and no others.
    pub fn new(callers: Arc<Callers>, roles: impl IntoIterator<Item = String>) -> Self {
        Self {
            service: StsService::new(),
            callers,
            roles: roles.into_iter().collect(),
        }
    }

    pub(crate) async fn answer(&self, call: Call) -> Response {
        let (parts, body) = call.request.into_parts();
        let assumed = (call.operation == "AssumeRole").then(|| session(&call.caller, &body));
        if let Some(session) = &assumed
            && !self.roles.contains(&session.role)
        {
            let message = format!("there is no role {}", session.role);
            return refusal(Service::Sts, StatusCode::FORBIDDEN, "AccessDenied", &message);
        }
        let uri = format!("https://sts.{REGION}.amazonaws.com/");
        let request = MockRequest {
            method: "POST".to_owned(),
            uri,
            headers: parts.headers,
            body,
        };
        let answer = self.service.handle(request).await;
        if let Some(session) = assumed {
            let xml = String::from_utf8_lossy(&answer.body);
            if let Some((key, secret)) = element(&xml, "AccessKeyId").zip(element(&xml, "SecretAccessKey")) {
                self.callers.enter(key, secret, session);
            }
        }
        into_response(answer)
    }
}

impl std::fmt::Debug for Sts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sts")
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// The identity that a request to assume a role asks for.
fn session(caller: &Caller, body: &[u8]) -> Caller {
    let fields: BTreeMap<String, String> = form_pairs(body).into_iter().collect();
    let tag = |(name, key): (&String, &String)| {
        let member = name.strip_prefix("Tags.member.")?.strip_suffix(".Key")?;
        Some((
            key.clone(),
            fields.get(&format!("Tags.member.{member}.Value"))?.clone(),
        ))
    };
    Caller {
        function: caller.function.clone(),
        role: form_value(body, "RoleArn").unwrap_or_default(),
        tags: fields.iter().filter_map(tag).collect(),
    }
}

/// The text of the first element of this name. Keys and secrets need no unescaping.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_tags_are_read_from_the_request() {
        let caller = Caller {
            function: "inbound".to_owned(),
            role: "base".to_owned(),
            tags: BTreeMap::new(),
        };
        let body = b"Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2FR&Tags.member.1.Key=tenant\
            &Tags.member.1.Value=tn_1&Tags.member.2.Key=x&Tags.member.2.Value=a+b";
        let session = session(&caller, body);
        assert_eq!(session.function, "inbound");
        assert_eq!(session.role, "arn:aws:iam::1:role/R");
        let expected = [("tenant", "tn_1"), ("x", "a b")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(session.tags, BTreeMap::from(expected));
    }
}
