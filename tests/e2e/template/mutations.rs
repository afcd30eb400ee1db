//! Small mistakes in the template, of which each must break a rule: otherwise the rule looks at nothing.

use serde_norway::Value;

use super::rules::{ALL, Faults};
use super::template;

/// What is done to a place, named by its path from `Resources`.
#[derive(Debug)]
enum Change {
    Set(&'static str, &'static str),
    Remove(&'static str),
    /// Appends to a list.
    Add(&'static str, &'static str),
}
use Change::{Add, Remove, Set};

/// The rule that must notice, and the change.
const MUTATIONS: [(&str, Change); 84] = [
    (
        "recovery",
        Set(
            "InboxTable/Properties/PointInTimeRecoverySpecification/RecoveryPeriodInDays",
            "30",
        ),
    ),
    (
        "recovery",
        Set(
            "InboxTable/Properties/PointInTimeRecoverySpecification/RecoveryPeriodInDays",
            "0",
        ),
    ),
    (
        "recovery",
        Remove("LedgerTable/Properties/PointInTimeRecoverySpecification/RecoveryPeriodInDays"),
    ),
    (
        "recovery",
        Set(
            "KeysTable/Properties/PointInTimeRecoverySpecification/RecoveryPeriodInDays",
            "29",
        ),
    ),
    (
        "recovery",
        Set(
            "InboxTable/Properties/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled",
            "false",
        ),
    ),
    (
        "recovery",
        Remove("KeysTable/Properties/PointInTimeRecoverySpecification"),
    ),
    (
        "tables",
        Set(
            "InboxTable/Properties/TimeToLiveSpecification/AttributeName",
            "ttl",
        ),
    ),
    (
        "tables",
        Set("LedgerTable/Properties/TimeToLiveSpecification/Enabled", "false"),
    ),
    ("tables", Remove("KeysTable/Properties/TimeToLiveSpecification")),
    ("tables", Remove("InboxTable/Properties/SSESpecification")),
    (
        "tables",
        Set("InboxTable/Properties/SSESpecification/SSEEnabled", "false"),
    ),
    (
        "tables",
        Remove("LedgerTable/Properties/SSESpecification/KMSMasterKeyId"),
    ),
    (
        "tables",
        Set(
            "KeysTable/Properties/SSESpecification/KMSMasterKeyId",
            "alias/aws/dynamodb",
        ),
    ),
    (
        "tables",
        Set("InboxTable/Properties/DeletionProtectionEnabled", "false"),
    ),
    ("tables", Set("InboxTable/DeletionPolicy", "Delete")),
    ("tables", Remove("LedgerTable/UpdateReplacePolicy")),
    ("tables", Set("InboxTable/Properties/BillingMode", "PROVISIONED")),
    ("keys", Set("SealingKey/Properties/EnableKeyRotation", "false")),
    ("keys", Set("SealingKey/Properties/PendingWindowInDays", "7")),
    ("keys", Set("SealingKey/DeletionPolicy", "Delete")),
    (
        "keys",
        Remove("SealingKey/Properties/KeyPolicy/Statement/1/Condition"),
    ),
    (
        "keys",
        Remove("SealingKey/Properties/KeyPolicy/Statement/1/Condition/StringEquals/kms:ViaService"),
    ),
    (
        "keys",
        Remove("SealingKey/Properties/KeyPolicy/Statement/2/Condition"),
    ),
    ("buckets", Remove("ExportsBucket/Properties/BucketEncryption")),
    (
        "buckets",
        Set(
            "MailBucket/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/SSEAlgorithm",
            "AES256",
        ),
    ),
    (
        "buckets",
        Remove(
            "MailBucket/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/KMSMasterKeyID",
        ),
    ),
    (
        "buckets",
        Set(
            "AttachmentsBucket/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/BucketKeyEnabled",
            "false",
        ),
    ),
    (
        "buckets",
        Set(
            "AttachmentsBucket/Properties/PublicAccessBlockConfiguration/BlockPublicAcls",
            "false",
        ),
    ),
    (
        "buckets",
        Remove("ExportsBucket/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy"),
    ),
    (
        "buckets",
        Set(
            "MailBucket/Properties/PublicAccessBlockConfiguration/IgnorePublicAcls",
            "false",
        ),
    ),
    (
        "buckets",
        Remove("MailBucket/Properties/PublicAccessBlockConfiguration"),
    ),
    (
        "buckets",
        Set(
            "MailBucket/Properties/OwnershipControls/Rules/0/ObjectOwnership",
            "ObjectWriter",
        ),
    ),
    (
        "buckets",
        Set(
            "ExportsBucket/Properties/VersioningConfiguration",
            "{Status: Enabled}",
        ),
    ),
    ("buckets", Set("AttachmentsBucket/DeletionPolicy", "Delete")),
    ("transport", Remove("ExportsBucketPolicy")),
    (
        "transport",
        Set(
            "MailBucketPolicy/Properties/PolicyDocument/Statement/0/Effect",
            "Allow",
        ),
    ),
    (
        "transport",
        Set(
            "MailBucketPolicy/Properties/PolicyDocument/Statement/0/Action",
            "s3:GetObject",
        ),
    ),
    (
        "transport",
        Set(
            "AttachmentsBucketPolicy/Properties/PolicyDocument/Statement/0/Condition/Bool/aws:SecureTransport",
            "'true'",
        ),
    ),
    (
        "transport",
        Remove("AttachmentsBucketPolicy/Properties/PolicyDocument/Statement/0/Resource/1"),
    ),
    (
        "transport",
        Set(
            "ExportsBucketPolicy/Properties/PolicyDocument/Statement/0/Principal",
            "{Service: x}",
        ),
    ),
    (
        "transport",
        Set("ExportsBucketPolicy/Properties/Bucket", "!Ref MailBucket"),
    ),
    (
        "lifecycles",
        Set(
            "ExportsBucket/Properties/LifecycleConfiguration/Rules/0/ExpirationInDays",
            "8",
        ),
    ),
    (
        "lifecycles",
        Set(
            "ExportsBucket/Properties/LifecycleConfiguration/Rules/0/Status",
            "Disabled",
        ),
    ),
    (
        "lifecycles",
        Remove("ExportsBucket/Properties/LifecycleConfiguration/Rules/1"),
    ),
    (
        "lifecycles",
        Remove("MailBucket/Properties/LifecycleConfiguration"),
    ),
    (
        "lifecycles",
        Set(
            "MailBucket/Properties/LifecycleConfiguration/Rules/0/Prefix",
            "other/",
        ),
    ),
    (
        "lifecycles",
        Remove("AttachmentsBucket/Properties/LifecycleConfiguration/Rules/0/Prefix"),
    ),
    (
        "lifecycles",
        Set(
            "AttachmentsBucket/Properties/LifecycleConfiguration/Rules/0/Prefix",
            "sealed/",
        ),
    ),
    (
        "lifecycles",
        Set("NewBucket", "{Type: 'AWS::S3::Bucket', Properties: {}}"),
    ),
    ("logs", Set("InboundLogs/Properties/RetentionInDays", "30")),
    ("logs", Remove("ReplyLogs/Properties/RetentionInDays")),
    ("logs", Remove("InboxFunction/Properties/LoggingConfig")),
    (
        "logs",
        Set(
            "InboxFunction/Properties/LoggingConfig/LogGroup",
            "!Ref InboundLogs",
        ),
    ),
    ("queues", Remove("ReplyQueue/Properties/RedrivePolicy")),
    (
        "queues",
        Set("ReplyQueue/Properties/RedrivePolicy/maxReceiveCount", "1"),
    ),
    (
        "queues",
        Set("AlertQueue/Properties/RedrivePolicy/maxReceiveCount", "1000"),
    ),
    (
        "queues",
        Set(
            "ReplyQueue/Properties/RedrivePolicy/deadLetterTargetArn",
            "!GetAtt ErasureDeadLetters.Arn",
        ),
    ),
    ("queues", Set("ErasureQueue/Properties/VisibilityTimeout", "300")),
    ("queues", Remove("ExportQueue/Properties/VisibilityTimeout")),
    ("queues", Set("AttachmentsFunction/Properties/Timeout", "180")),
    (
        "queues",
        Set("DeliverQueue/Properties/SqsManagedSseEnabled", "false"),
    ),
    (
        "queues",
        Set("StreamDeadLetters/Properties/MessageRetentionPeriod", "345600"),
    ),
    (
        "mappings",
        Remove("ReplyFunction/Properties/Events/Queue/Properties/FunctionResponseTypes"),
    ),
    (
        "mappings",
        Remove("DispatchFunction/Properties/Events/InboxStream/Properties/DestinationConfig"),
    ),
    (
        "mappings",
        Set(
            "DispatchFunction/Properties/Events/LedgerStream/Properties/MaximumRecordAgeInSeconds",
            "-1",
        ),
    ),
    (
        "mappings",
        Set(
            "DispatchFunction/Properties/Events/LedgerStream/Properties/BisectBatchOnFunctionError",
            "false",
        ),
    ),
    (
        "mappings",
        Set(
            "DispatchFunction/Properties/Events/InboxStream/Properties/StartingPosition",
            "LATEST",
        ),
    ),
    ("mappings", Set("RetentionFunction/Properties/Timeout", "1000")),
    ("mappings", Remove("HttpApi/Properties/DefaultRouteSettings")),
    (
        "mappings",
        Set("HttpApi/Properties/CorsConfiguration", "{AllowOrigins: ['*']}"),
    ),
    (
        "policies",
        Set(
            "InboundTenantRole/Properties/Policies/0/PolicyDocument/Statement/0/Action",
            "dynamodb:*",
        ),
    ),
    (
        "policies",
        Add(
            "InboxTenantRole/Properties/Policies/0/PolicyDocument/Statement/0/Action",
            "dynamodb:Scan",
        ),
    ),
    (
        "policies",
        Set(
            "ReplyRole/Properties/Policies/0/PolicyDocument/Statement/1/Resource",
            "'*'",
        ),
    ),
    (
        "policies",
        Set(
            "ExportsTenantRole/Properties/Policies/0/PolicyDocument/Statement/6/Resource",
            "!Sub '${ExportsBucket.Arn}/*'",
        ),
    ),
    (
        "policies",
        Set(
            "InboxRole/Properties/Policies/0/PolicyDocument/Statement/0/NotAction",
            "iam:*",
        ),
    ),
    (
        "roles",
        Set("InboxFunction/Properties/Role", "!GetAtt ReplyRole.Arn"),
    ),
    (
        "roles",
        Set(
            "InboxRole/Properties/ManagedPolicyArns",
            "[arn:aws:iam::aws:policy/AdministratorAccess]",
        ),
    ),
    (
        "roles",
        Set(
            "InboxTenantRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition/StringLike/aws:RequestTag~1tenant",
            "'*'",
        ),
    ),
    (
        "roles",
        Set(
            "InboxTenantRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal/AWS",
            "!GetAtt ReplyRole.Arn",
        ),
    ),
    (
        "roles",
        Remove("ReplyTenantRole/Properties/Policies/0/PolicyDocument/Statement/0/Condition"),
    ),
    ("alarms", Remove("ExportDeadLettersAlarm")),
    ("alarms", Set("ReplyDeadLettersAlarm/Properties/Threshold", "10")),
    ("alarms", Remove("MailErrorsAlarm")),
    ("alarms", Remove("ReplyErrorsAlarm/Properties/AlarmActions")),
];

/// A step of a path: `~1` is a slash.
fn step<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    let name = name.replace("~1", "/");
    match name.parse::<usize>() {
        Ok(number) if value.is_sequence() => &mut value[number],
        _ => &mut value[name.as_str()],
    }
}

fn apply(template: &mut Value, change: &Change) {
    let (Set(path, _) | Remove(path) | Add(path, _)) = change;
    let mut at = &mut template["Resources"];
    let (above, last) = match path.rsplit_once('/') {
        Some((above, last)) => (Some(above), last),
        None => (None, *path),
    };
    for name in above.into_iter().flat_map(|above| above.split('/')) {
        at = step(at, name);
        assert!(!at.is_null(), "{path}: there is no {name}");
    }
    let parsed = |text: &str| serde_norway::from_str::<Value>(text).unwrap();
    match change {
        Set(_, value) => {
            if at.is_sequence() {
                *step(at, last) = parsed(value);
            } else {
                at.as_mapping_mut()
                    .unwrap()
                    .insert(last.replace("~1", "/").into(), parsed(value));
            }
        }
        Add(_, value) => step(at, last).as_sequence_mut().unwrap().push(parsed(value)),
        Remove(_) => {
            let removed = match (last.parse::<usize>(), &mut *at) {
                (Ok(number), Value::Sequence(all)) => Some(all.remove(number)),
                (_, at) => at.as_mapping_mut().unwrap().remove(last),
            };
            assert!(removed.is_some(), "{path}: nothing to remove");
        }
    }
}

fn faults(template: &Value, rule: &str) -> Faults {
    let (_, rule) = ALL.iter().find(|(name, _)| *name == rule).unwrap();
    rule(template)
}

#[test]
fn the_template_breaks_no_rule() {
    let (_, template) = template();
    for (name, rule) in ALL {
        assert_eq!(rule(&template), Faults::new(), "{name}");
    }
}

#[test]
fn every_small_mistake_in_the_template_breaks_the_rule_that_it_is_about() {
    let (_, template) = template();
    let mut missed = Vec::new();
    for (rule, change) in &MUTATIONS {
        let mut broken = template.clone();
        apply(&mut broken, change);
        assert_ne!(broken, template, "{change:?} changes nothing");
        if faults(&broken, rule).is_empty() {
            missed.push(change);
        }
    }
    assert!(missed.is_empty(), "not noticed: {missed:#?}");
    for (rule, _) in ALL {
        assert!(
            MUTATIONS.iter().any(|(about, _)| *about == rule),
            "{rule} was not tried"
        );
    }
}
