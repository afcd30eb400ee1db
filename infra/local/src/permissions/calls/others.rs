//! KMS, SQS and STS.

use serde_json::Value;

use super::{Ask, Other};
use crate::proxy::form_pairs;
use crate::template::raw::queue_arn;
use crate::template::{ACCOUNT, REGION};

pub(super) fn kms(operation: &str, body: &[u8], keys: &[String]) -> Result<Vec<Ask>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "the body is no JSON".to_owned())?;
    let about = |action: &str, member: &str, context: &str| {
        let named = body.get(member).and_then(Value::as_str);
        let key = match (named, keys) {
            // The ciphertext names its key; where there is one key, that is it.
            (None, [only]) => only.clone(),
            (None, _) => return Err("the request names no key".to_owned()),
            (Some(arn), _) if arn.starts_with("arn:") => arn.to_owned(),
            (Some(id), _) => format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}"),
        };
        let mut ask = Ask::new(format!("kms:{action}"), &key).with("kms:CallerAccount", ACCOUNT);
        for (name, value) in body.get(context).and_then(Value::as_object).into_iter().flatten() {
            ask = ask.with("kms:EncryptionContextKeys", name).with(
                &format!("kms:EncryptionContext:{name}"),
                value.as_str().unwrap_or_default(),
            );
        }
        ask.other = Some(Other::Key(key));
        Ok(ask)
    };
    match operation {
        "CreateKey" | "ListKeys" | "ListAliases" | "GenerateRandom" => {
            Ok(vec![Ask::new(format!("kms:{operation}"), "*")])
        }
        "ReEncrypt" => Ok(vec![
            about("ReEncryptFrom", "SourceKeyId", "SourceEncryptionContext")?,
            about("ReEncryptTo", "DestinationKeyId", "DestinationEncryptionContext")?,
        ]),
        operation => Ok(vec![about(operation, "KeyId", "EncryptionContext")?]),
    }
}

pub(super) fn sqs(operation: &str, body: &[u8]) -> Result<Vec<Ask>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "the body is no JSON".to_owned())?;
    if operation == "ListQueues" {
        return Ok(vec![Ask::new("sqs:ListQueues", "*")]);
    }
    let url = body
        .get("QueueUrl")
        .or_else(|| body.get("QueueName"))
        .and_then(Value::as_str);
    let queue = url
        .and_then(|url| url.rsplit('/').next())
        .ok_or("the request names no queue")?;
    // Batches have no actions of their own.
    let action = operation.strip_suffix("Batch").unwrap_or(operation);
    Ok(vec![Ask::new(format!("sqs:{action}"), queue_arn(queue))])
}

pub(super) fn sts(operation: &str, body: &[u8]) -> Result<Vec<Ask>, String> {
    let fields = form_pairs(body);
    let field = |name: &str| {
        fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    match operation {
        // Everybody may ask who they are.
        "GetCallerIdentity" => Ok(Vec::new()),
        "AssumeRole" => {
            let role = field("RoleArn").ok_or("the request names no role")?;
            let mut ask = Ask::new("sts:AssumeRole", role);
            ask.other = Some(Other::Trust(role.to_owned()));
            if let Some(name) = field("RoleSessionName") {
                ask = ask.with("sts:RoleSessionName", name);
            }
            let mut tagged = false;
            for (name, key) in &fields {
                let member = name
                    .strip_prefix("Tags.member.")
                    .and_then(|rest| rest.strip_suffix(".Key"));
                if let Some(member) = member {
                    let value = field(&format!("Tags.member.{member}.Value")).unwrap_or_default();
                    ask = ask
                        .with("aws:TagKeys", key)
                        .with(&format!("aws:RequestTag/{key}"), value);
                    tagged = true;
                }
            }
            let tags = Ask {
                action: "sts:TagSession".to_owned(),
                ..ask.clone()
            };
            Ok(if tagged { vec![ask, tags] } else { vec![ask] })
        }
        other => Ok(vec![Ask::new(format!("sts:{other}"), "*")]),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn names(asks: &[Ask]) -> Vec<String> {
        asks.iter()
            .map(|ask| format!("{} {}", ask.action, ask.resource))
            .collect()
    }

    #[test]
    fn a_key_is_named_by_arn_by_id_or_by_being_the_only_one() {
        let only = ["arn:aws:kms:us-east-1:123456789012:key/1".to_owned()];
        for body in [json!({"KeyId": only[0]}), json!({"KeyId": "1"}), json!({})] {
            let asked = kms("Decrypt", body.to_string().as_bytes(), &only).unwrap();
            assert_eq!(names(&asked), [format!("kms:Decrypt {}", only[0])], "{body}");
        }
        let two = [only[0].clone(), "k2".to_owned()];
        assert!(kms("Decrypt", b"{}", &two).is_err());
        let body = json!({"KeyId": "1", "EncryptionContext": {"tenant": "tn_1"}}).to_string();
        let asked = kms("GenerateDataKey", body.as_bytes(), &only).unwrap();
        let tenant = asked
            .first()
            .unwrap()
            .context
            .single("kms:encryptioncontext:tenant");
        assert_eq!(tenant, Some("tn_1"));
    }

    #[test]
    fn a_queue_is_the_last_part_of_its_url_and_batches_are_their_parts() {
        let body = json!({"QueueUrl": "http://127.0.0.1:1/123456789012/Q.fifo"}).to_string();
        for (operation, action) in [
            ("SendMessageBatch", "SendMessage"),
            ("ReceiveMessage", "ReceiveMessage"),
        ] {
            let expected = format!("sqs:{action} arn:aws:sqs:us-east-1:123456789012:Q.fifo");
            assert_eq!(names(&sqs(operation, body.as_bytes()).unwrap()), [expected]);
        }
        assert!(sqs("SendMessage", b"{}").is_err());
    }

    #[test]
    fn a_session_with_tags_asks_for_two_things() {
        let body = b"Action=AssumeRole&RoleArn=R&RoleSessionName=s&Tags.member.1.Key=tenant&Tags.member.1.Value=tn_1";
        let asked = sts("AssumeRole", body).unwrap();
        assert_eq!(names(&asked), ["sts:AssumeRole R", "sts:TagSession R"]);
        assert!(
            asked
                .iter()
                .all(|ask| ask.context.single("aws:requesttag/tenant") == Some("tn_1"))
        );
        assert_eq!(
            names(&sts("AssumeRole", b"RoleArn=R").unwrap()),
            ["sts:AssumeRole R"]
        );
        assert!(sts("GetCallerIdentity", b"").unwrap().is_empty());
    }
}
