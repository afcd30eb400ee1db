//! Policy documents: statements, read strictly. What is not understood is refused when the stack starts.

use serde_json::Value;

use super::condition::{self, Condition, texts};
use super::context::Context;
use super::pattern::{ArnPattern, Pattern};
use crate::template::ACCOUNT;

/// What a policy is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To a role: says what the role may do.
    Identity,
    /// To a role: says who may take it.
    Trust,
    /// To a bucket or a key: says who may use it.
    Resource,
}

/// One statement of a policy.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// `<role>/<Sid>`; without a Sid the policy's name stands for it.
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) allows: bool,
    pub(crate) actions: Vec<Pattern>,
    /// Empty in trust policies, where the role is the resource.
    pub(crate) resources: Vec<ArnPattern>,
    not_actions: bool,
    not_resources: bool,
    principals: Vec<Principal>,
    conditions: Vec<Condition>,
}

/// Who is meant by a `Principal`.
#[derive(Debug, Clone, PartialEq)]
enum Principal {
    Anyone,
    /// The account: it decides by its roles' own policies.
    Account,
    Role(String),
    Service(String),
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Asker<'a> {
    /// A role, by its ARN.
    Role(&'a str),
    /// A service of the cloud, such as `lambda.amazonaws.com`.
    Service(&'a str),
}

/// How a statement names the asker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Named {
    No,
    /// As part of the account, whose roles' own policies decide.
    ByAccount,
    Directly,
}

/// Reads a `PolicyDocument`. `owner` and `name` make the ids of statements without a Sid.
pub(crate) fn parse(document: &Value, kind: Kind, owner: &str, name: &str) -> Result<Vec<Statement>, String> {
    for (member, value) in document.as_object().ok_or("a policy is no map")? {
        match member.as_str() {
            "Version" if value == "2012-10-17" => {}
            "Version" => return Err("only Version 2012-10-17 has variables".to_owned()),
            "Statement" | "Id" => {}
            other => return Err(format!("a policy has no {other}")),
        }
    }
    if document.get("Version").is_none() {
        return Err("a policy without Version has no variables".to_owned());
    }
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(single @ Value::Object(_)) => vec![single],
        _ => return Err("a policy has no Statement".to_owned()),
    };
    let many = statements.len() > 1;
    let mut parsed = Vec::new();
    for (number, statement) in (1..).zip(statements) {
        let sid = statement.get("Sid").and_then(Value::as_str);
        let sid = sid.map_or_else(
            || {
                if many {
                    format!("{name}.{number}")
                } else {
                    name.to_owned()
                }
            },
            str::to_owned,
        );
        let id = format!("{owner}/{sid}");
        parsed.push(Statement::parse(statement, kind, &id).map_err(|problem| format!("{id}: {problem}"))?);
    }
    Ok(parsed)
}

impl Statement {
    fn parse(element: &Value, kind: Kind, id: &str) -> Result<Self, String> {
        const MEMBERS: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
            "Id",
        ];
        let members = element.as_object().ok_or("a statement is no map")?;
        if let Some(other) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(format!("{other} is not known to the local stack"));
        }
        let either = |name: &str, not: &str| match (members.get(name), members.get(not)) {
            (Some(_), Some(_)) => Err(format!("{name} and {not} exclude each other")),
            (Some(value), None) => texts(value)
                .map(|all| (false, all))
                .ok_or_else(|| format!("{name} is no text")),
            (None, Some(value)) => texts(value)
                .map(|all| (true, all))
                .ok_or_else(|| format!("{not} is no text")),
            (None, None) => Ok((false, Vec::new())),
        };
        let (not_actions, actions) = either("Action", "NotAction")?;
        let (not_resources, resources) = either("Resource", "NotResource")?;
        let principals = members
            .get("Principal")
            .map(principals)
            .transpose()?
            .unwrap_or_default();
        if actions.is_empty() {
            return Err("has no Action".to_owned());
        }
        if resources.is_empty() == (kind != Kind::Trust) {
            return Err("Resource belongs to every policy but those of trust".to_owned());
        }
        if principals.is_empty() == (kind != Kind::Identity) {
            return Err("Principal belongs to policies of trust and of resources".to_owned());
        }
        let conditions = members.get("Condition").map(condition::parse).transpose()?;
        Ok(Self {
            id: id.to_owned(),
            kind,
            allows: match members.get("Effect").and_then(Value::as_str) {
                Some("Allow") => true,
                Some("Deny") => false,
                _ => return Err("Effect is Allow or Deny".to_owned()),
            },
            actions: actions
                .iter()
                .map(|text| Pattern::wild(text))
                .collect::<Result<_, _>>()?,
            resources: resources
                .iter()
                .map(|text| ArnPattern::parse(text))
                .collect::<Result<_, _>>()?,
            not_actions,
            not_resources,
            principals,
            conditions: conditions.unwrap_or_default(),
        })
    }

    /// Whether it speaks of this action on this resource in this context.
    pub(crate) fn applies(&self, action: &str, resource: &str, context: &Context) -> bool {
        let named = self.actions.iter().any(|pattern| pattern.matches_action(action));
        let meant = || {
            self.resources
                .iter()
                .any(|pattern| pattern.matches(resource, context))
        };
        named != self.not_actions
            && (self.resources.is_empty() || meant() != self.not_resources)
            && self.conditions.iter().all(|condition| condition.holds(context))
    }

    /// How its `Principal` names the asker.
    pub(crate) fn names(&self, asker: Asker<'_>) -> Named {
        let one = |principal: &Principal| match (principal, asker) {
            (Principal::Anyone, _) => Named::Directly,
            (Principal::Role(role), Asker::Role(asker)) if role == asker => Named::Directly,
            (Principal::Service(service), Asker::Service(asker)) if service == asker => Named::Directly,
            (Principal::Account, Asker::Role(_)) => Named::ByAccount,
            _ => Named::No,
        };
        let found: Vec<Named> = self.principals.iter().map(one).collect();
        if found.contains(&Named::Directly) {
            Named::Directly
        } else if found.contains(&Named::ByAccount) {
            Named::ByAccount
        } else {
            Named::No
        }
    }

    /// Whether it is about a function's own log, which the local stack writes itself.
    pub(crate) fn is_about_logs(&self) -> bool {
        self.actions
            .iter()
            .all(|action| action.text().starts_with("logs:"))
    }
}

fn principals(element: &Value) -> Result<Vec<Principal>, String> {
    if element == "*" {
        return Ok(vec![Principal::Anyone]);
    }
    let mut found = Vec::new();
    for (kind, names) in element.as_object().ok_or("Principal is neither * nor a map")? {
        for name in texts(names).ok_or_else(|| format!("Principal {kind} is no text"))? {
            found.push(match (kind.as_str(), name.as_str()) {
                ("AWS", "*") => Principal::Anyone,
                ("AWS", ACCOUNT) => Principal::Account,
                ("AWS", arn) if arn == format!("arn:aws:iam::{ACCOUNT}:root") => Principal::Account,
                ("AWS", arn) if arn.contains(":role/") => Principal::Role(name),
                ("Service", _) => Principal::Service(name),
                _ => return Err(format!("Principal {kind} {name} is not known to the local stack")),
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn one(statement: &Value, kind: Kind) -> Result<Statement, String> {
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        parse(&document, kind, "Role", "base").map(|mut all| all.remove(0))
    }

    #[test]
    fn actions_and_resources_may_be_named_or_excluded() {
        let applies = |statement: Value, action: &str, resource: &str| {
            let resource = format!("arn:aws:s3:::{resource}");
            one(&statement, Kind::Identity)
                .unwrap()
                .applies(action, &resource, &Context::default())
        };
        let named =
            json!({"Effect": "Allow", "Action": ["s3:Get*", "s3:PutObject"], "Resource": "arn:aws:s3:::b/*"});
        assert!(applies(named.clone(), "s3:GetObject", "b/x"));
        assert!(applies(named.clone(), "S3:putobject", "b/x"));
        assert!(!applies(named.clone(), "s3:DeleteObject", "b/x") && !applies(named, "s3:GetObject", "b"));
        let other = json!({"Effect": "Deny", "NotAction": "s3:Get*", "NotResource": "arn:aws:s3:::b/*"});
        assert!(applies(other.clone(), "s3:PutObject", "c/x"));
        assert!(!applies(other.clone(), "s3:GetObject", "c/x") && !applies(other, "s3:PutObject", "b/x"));
    }

    #[test]
    fn principals_are_services_roles_the_account_or_anyone() {
        let role = format!("arn:aws:iam::{ACCOUNT}:role/R");
        for (principal, asker, expected) in [
            (json!("*"), Asker::Role("x"), Named::Directly),
            (json!({"AWS": "*"}), Asker::Role("x"), Named::Directly),
            (json!({"AWS": role}), Asker::Role(&role), Named::Directly),
            (json!({"AWS": role}), Asker::Role("other"), Named::No),
            (
                json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}),
                Asker::Role("x"),
                Named::ByAccount,
            ),
            (
                json!({"Service": "a.com"}),
                Asker::Service("a.com"),
                Named::Directly,
            ),
            (json!({"Service": "a.com"}), Asker::Role("a.com"), Named::No),
        ] {
            let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
            assert_eq!(
                one(&statement, Kind::Trust).unwrap().names(asker),
                expected,
                "{principal}"
            );
        }
    }

    #[test]
    fn statements_are_named_by_sid_or_by_their_policy() {
        let text = json!({"Effect": "Allow", "Action": "a:B", "Resource": "*"});
        let document = json!({"Version": "2012-10-17", "Statement": [text, {"Sid": "S", "Effect": "Allow", "Action": "a:B", "Resource": "*"}]});
        let ids: Vec<String> = parse(&document, Kind::Identity, "Role", "base")
            .unwrap()
            .into_iter()
            .map(|s| s.id)
            .collect();
        assert_eq!(ids, ["Role/base.1", "Role/S"]);
        assert_eq!(one(&text, Kind::Identity).unwrap().id, "Role/base");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (statement, kind, problem) in [
            (
                json!({"Effect": "Allow", "Action": "a:B"}),
                Kind::Identity,
                "Resource",
            ),
            (
                json!({"Effect": "Allow", "Resource": "*"}),
                Kind::Identity,
                "Action",
            ),
            (
                json!({"Effect": "Maybe", "Action": "a:B", "Resource": "*"}),
                Kind::Identity,
                "Effect",
            ),
            (
                json!({"Effect": "Allow", "Action": "a:B", "NotAction": "a:C", "Resource": "*"}),
                Kind::Identity,
                "exclude",
            ),
            (
                json!({"Effect": "Allow", "Action": "a:B", "Resource": "b"}),
                Kind::Identity,
                "no ARN",
            ),
            (
                json!({"Effect": "Allow", "Actions": "a:B", "Resource": "*"}),
                Kind::Identity,
                "Actions",
            ),
            (
                json!({"Effect": "Allow", "Principal": "*", "Action": "a:B", "Resource": "*"}),
                Kind::Identity,
                "Principal",
            ),
            (
                json!({"Effect": "Allow", "Action": "a:B", "Resource": "*"}),
                Kind::Resource,
                "Principal",
            ),
            (
                json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::9:user/x"}, "Action": "a:B"}),
                Kind::Trust,
                "not known",
            ),
        ] {
            let found = one(&statement, kind).unwrap_err();
            assert!(found.contains(problem), "{statement}: {found}");
        }
        for document in [
            json!({"Statement": []}),
            json!({"Version": "2008-10-17", "Statement": []}),
            json!([]),
        ] {
            assert!(parse(&document, Kind::Identity, "R", "b").is_err(), "{document}");
        }
    }
}
