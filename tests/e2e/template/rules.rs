//! What must be so in `template.yaml`, as functions from a template to what is wrong with it: so that each rule can be
//! shown to notice when it is broken.

use std::collections::{BTreeMap, BTreeSet};

use serde_norway::Value;

/// What is wrong, in words that name the resource.
pub(super) type Faults = Vec<String>;

/// One rule.
pub(super) type Rule = fn(&Value) -> Faults;

/// All rules with their names.
pub(super) const ALL: [(&str, Rule); 12] = [
    ("recovery", recovery),
    ("tables", tables),
    ("keys", keys),
    ("buckets", buckets),
    ("transport", transport),
    ("lifecycles", lifecycles),
    ("logs", logs),
    ("queues", queues),
    ("mappings", mappings),
    ("policies", policies),
    ("roles", roles),
    ("alarms", alarms),
];

fn of_kind<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let all = template["Resources"].as_mapping().unwrap();
    let found = all.iter().filter(|(_, resource)| resource["Type"] == kind);
    found
        .map(|(id, resource)| (id.as_str().unwrap(), resource))
        .collect()
}

/// Collects a fault for each resource of a kind for which something is not so.
fn check(faults: &mut Faults, id: &str, what: &str, is_so: bool) {
    if !is_so {
        faults.push(format!("{id}: {what}"));
    }
}

/// A value in short intrinsic form, `!Ref X` or `!GetAtt X.Arn`: the name of the resource.
fn named(value: &Value) -> Option<&str> {
    let Value::Tagged(tagged) = value else { return None };
    let text = tagged.value.as_str()?;
    Some(text.split('.').next().unwrap_or(text))
}

fn is_kept(resource: &Value) -> bool {
    resource["DeletionPolicy"] == "Retain" && resource["UpdateReplacePolicy"] == "Retain"
}

/// Promise RET-09: 30 days after a deletion no copy is left, in backups neither.
pub(super) fn recovery(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (id, table) in of_kind(template, "AWS::DynamoDB::Table") {
        let recovery = &table["Properties"]["PointInTimeRecoverySpecification"];
        let days = recovery["RecoveryPeriodInDays"].as_u64().unwrap_or(35);
        // Wrapped keys come back with a restore: not for longer than it takes to notice.
        let most = if id == "KeysTable" { 7 } else { 29 };
        check(
            &mut faults,
            id,
            "recovery ends in time",
            (1..=most).contains(&days),
        );
        check(
            &mut faults,
            id,
            "is recoverable",
            recovery["PointInTimeRecoveryEnabled"] == true,
        );
    }
    faults
}

pub(super) fn tables(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (id, table) in of_kind(template, "AWS::DynamoDB::Table") {
        let p = &table["Properties"];
        let ends = &p["TimeToLiveSpecification"];
        check(
            &mut faults,
            id,
            "rows end",
            ends["Enabled"] == true && ends["AttributeName"] == "expires_at",
        );
        let sealed = &p["SSESpecification"];
        let by_us = named(&sealed["KMSMasterKeyId"]) == Some("SealingKey");
        check(
            &mut faults,
            id,
            "is encrypted by our key",
            sealed["SSEEnabled"] == true && sealed["SSEType"] == "KMS" && by_us,
        );
        check(
            &mut faults,
            id,
            "is protected",
            p["DeletionProtectionEnabled"] == true && is_kept(table),
        );
        check(
            &mut faults,
            id,
            "is paid by use",
            p["BillingMode"] == "PAY_PER_REQUEST",
        );
    }
    faults
}

pub(super) fn keys(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (id, key) in of_kind(template, "AWS::KMS::Key") {
        let p = &key["Properties"];
        check(&mut faults, id, "rotates", p["EnableKeyRotation"] == true);
        check(
            &mut faults,
            id,
            "can be brought back",
            p["PendingWindowInDays"] == 30 && is_kept(key),
        );
        for statement in p["KeyPolicy"]["Statement"].as_sequence().into_iter().flatten() {
            let anybody =
                statement["Principal"]["AWS"] == "*" || !statement["Principal"]["Service"].is_null();
            let conditions = &statement["Condition"]["StringEquals"];
            let ours = ["kms:CallerAccount", "aws:SourceAccount"];
            let bound = ours
                .iter()
                .any(|name| named(&conditions[*name]) == Some("AWS::AccountId"));
            check(&mut faults, id, "is of this account alone", !anybody || bound);
            let via = statement["Principal"]["AWS"] != "*" || !conditions["kms:ViaService"].is_null();
            check(&mut faults, id, "is used through the database alone", via);
        }
    }
    faults
}

/// Promise SEC-01, as far as buckets go.
pub(super) fn buckets(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (id, bucket) in of_kind(template, "AWS::S3::Bucket") {
        let p = &bucket["Properties"];
        let encryption = &p["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        let default = &encryption["ServerSideEncryptionByDefault"];
        let by_us = named(&default["KMSMasterKeyID"]) == Some("SealingKey");
        check(
            &mut faults,
            id,
            "is encrypted by our key",
            default["SSEAlgorithm"] == "aws:kms" && by_us,
        );
        check(
            &mut faults,
            id,
            "has a key of its own",
            encryption["BucketKeyEnabled"] == true,
        );
        for block in [
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        ] {
            check(
                &mut faults,
                id,
                block,
                p["PublicAccessBlockConfiguration"][block] == true,
            );
        }
        let owner = &p["OwnershipControls"]["Rules"][0]["ObjectOwnership"];
        check(&mut faults, id, "belongs to us", owner == "BucketOwnerEnforced");
        // What is deleted is gone.
        check(
            &mut faults,
            id,
            "keeps no versions",
            p.get("VersioningConfiguration").is_none(),
        );
        check(&mut faults, id, "is kept", is_kept(bucket));
    }
    faults
}

/// Every bucket is closed to whoever speaks without TLS, itself and its files.
pub(super) fn transport(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (id, _) in of_kind(template, "AWS::S3::Bucket") {
        let policies = of_kind(template, "AWS::S3::BucketPolicy");
        let policy = policies
            .into_iter()
            .find(|(_, policy)| named(&policy["Properties"]["Bucket"]) == Some(id));
        let statements =
            policy.and_then(|(_, policy)| policy["Properties"]["PolicyDocument"]["Statement"].as_sequence());
        let refuses = statements.into_iter().flatten().any(|statement| {
            let resources = serde_norway::to_string(&statement["Resource"]).unwrap();
            statement["Effect"] == "Deny"
                && statement["Principal"] == "*"
                && statement["Action"] == "s3:*"
                && statement["Condition"]["Bool"]["aws:SecureTransport"] == "false"
                && resources.contains(&format!("{id}.Arn"))
                && resources.contains(&format!("${{{id}.Arn}}/*"))
        });
        check(&mut faults, id, "takes nothing without TLS", refuses);
    }
    let origin = &template["Parameters"]["PublicBaseUrl"];
    check(
        &mut faults,
        "PublicBaseUrl",
        "is checked",
        origin["AllowedPattern"].is_string(),
    );
    faults
}

/// The last line behind what functions delete themselves: promise RET-10 and its like.
pub(super) fn lifecycles(template: &Value) -> Faults {
    // Bucket, prefix, days. Attachments end with their conversation; their copies in the clear by themselves.
    let wanted = [
        ("ExportsBucket", None, 7),
        ("MailBucket", None, 1),
        ("AttachmentsBucket", Some("clear/"), 1),
    ];
    let mut faults = Faults::new();
    let known: BTreeSet<&str> = wanted.iter().map(|(id, _, _)| *id).collect();
    for (id, bucket) in of_kind(template, "AWS::S3::Bucket") {
        check(&mut faults, id, "has a rule for its end here", known.contains(id));
        let rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"].as_sequence();
        let rules = rules.cloned().unwrap_or_default();
        for (_, prefix, days) in wanted.iter().filter(|(wanted, _, _)| *wanted == id) {
            let ends = rules.iter().any(|rule| {
                rule["Status"] == "Enabled"
                    && rule["ExpirationInDays"] == *days
                    && rule["Prefix"].as_str() == *prefix
                    && rule.get("TagFilters").is_none()
            });
            check(&mut faults, id, "ends", ends);
        }
        // Nothing that only its row ends is ended by age.
        let sealed = rules.iter().any(|rule| {
            id == "AttachmentsBucket"
                && rule["Prefix"]
                    .as_str()
                    .is_none_or(|prefix| !prefix.starts_with("clear/"))
        });
        check(&mut faults, id, "keeps what a row stands for", !sealed);
    }
    let exports = &template["Resources"]["ExportsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"];
    let aborts = exports.as_sequence().into_iter().flatten().any(|rule| {
        rule["Status"] == "Enabled" && rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1
    });
    check(&mut faults, "ExportsBucket", "unfinished uploads end", aborts);
    faults
}

pub(super) fn logs(template: &Value) -> Faults {
    let mut faults = Faults::new();
    let groups = of_kind(template, "AWS::Logs::LogGroup");
    for (id, group) in &groups {
        check(
            &mut faults,
            id,
            "logs end after 14 days",
            group["Properties"]["RetentionInDays"] == 14,
        );
    }
    let mut used = BTreeSet::new();
    for (id, function) in of_kind(template, "AWS::Serverless::Function") {
        let group = named(&function["Properties"]["LoggingConfig"]["LogGroup"]);
        let known = group.is_some_and(|group| groups.iter().any(|(known, _)| *known == group));
        // Without one of ours, Lambda makes one that never ends.
        check(
            &mut faults,
            id,
            "logs into a group of its own",
            known && used.insert(group),
        );
    }
    faults
}

/// Queues and what reads them: by event source, dead letters by redrive policy.
fn readers(template: &Value) -> BTreeMap<&str, (&str, &Value)> {
    let mut readers = BTreeMap::new();
    for (id, function) in of_kind(template, "AWS::Serverless::Function") {
        for (_, event) in function["Properties"]["Events"]
            .as_mapping()
            .into_iter()
            .flatten()
        {
            if event["Type"] == "SQS"
                && let Some(queue) = named(&event["Properties"]["Queue"])
            {
                readers.insert(queue, (id, &function["Properties"]));
            }
        }
    }
    readers
}

fn dead_letters(template: &Value) -> BTreeSet<&str> {
    let queues = of_kind(template, "AWS::SQS::Queue");
    let mut dead: BTreeSet<&str> = queues
        .iter()
        .filter_map(|(_, queue)| named(&queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]))
        .collect();
    for (_, function) in of_kind(template, "AWS::Serverless::Function") {
        for (_, event) in function["Properties"]["Events"]
            .as_mapping()
            .into_iter()
            .flatten()
        {
            dead.extend(named(
                &event["Properties"]["DestinationConfig"]["OnFailure"]["Destination"],
            ));
        }
    }
    dead
}

pub(super) fn queues(template: &Value) -> Faults {
    let mut faults = Faults::new();
    let (readers, dead) = (readers(template), dead_letters(template));
    let all = of_kind(template, "AWS::SQS::Queue");
    for (id, queue) in &all {
        let p = &queue["Properties"];
        check(&mut faults, id, "is encrypted", p["SqsManagedSseEnabled"] == true);
        check(
            &mut faults,
            id,
            "keeps for 14 days",
            p["MessageRetentionPeriod"] == 1_209_600,
        );
        if dead.contains(id) {
            check(
                &mut faults,
                id,
                "has no reader of its own",
                !readers.contains_key(id),
            );
            continue;
        }
        let redrive = &p["RedrivePolicy"];
        let count = redrive["maxReceiveCount"].as_u64().unwrap_or(0);
        check(
            &mut faults,
            id,
            "gives up, and not at once",
            (3..=10).contains(&count),
        );
        let target = named(&redrive["deadLetterTargetArn"]).unwrap_or_default();
        let target = all.iter().find(|(known, _)| *known == target);
        let alike = target.is_some_and(|(_, target)| target["Properties"]["FifoQueue"] == p["FifoQueue"]);
        check(&mut faults, id, "has dead letters of its own kind", alike);
        let visibility = p["VisibilityTimeout"].as_u64().unwrap_or(30);
        let timeout = readers.get(id).and_then(|(_, reader)| reader["Timeout"].as_u64());
        let waits = timeout.is_some_and(|timeout| visibility >= 6 * timeout);
        check(&mut faults, id, "hides for six times its reader's timeout", waits);
    }
    faults
}

/// How functions are fed: what fails comes back by itself, and what never goes well is kept.
pub(super) fn mappings(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (id, function) in of_kind(template, "AWS::Serverless::Function") {
        let timeout = function["Properties"]["Timeout"].as_u64().unwrap_or(0);
        check(&mut faults, id, "has a timeout", (1..=900).contains(&timeout));
        for (_, event) in function["Properties"]["Events"]
            .as_mapping()
            .into_iter()
            .flatten()
        {
            let p = &event["Properties"];
            match event["Type"].as_str().unwrap_or_default() {
                "SQS" | "DynamoDB" => {
                    let partial = p["FunctionResponseTypes"][0] == "ReportBatchItemFailures";
                    check(&mut faults, id, "reports what failed", partial);
                    if event["Type"] == "SQS" {
                        continue;
                    }
                    check(
                        &mut faults,
                        id,
                        "narrows a bad batch down",
                        p["BisectBatchOnFunctionError"] == true,
                    );
                    let kept = named(&p["DestinationConfig"]["OnFailure"]["Destination"]);
                    check(
                        &mut faults,
                        id,
                        "keeps what never went well",
                        kept == Some("StreamDeadLetters"),
                    );
                    // A stream forgets after 24 hours: what is given up on must be kept before.
                    let age = p["MaximumRecordAgeInSeconds"].as_u64().unwrap_or(u64::MAX);
                    check(
                        &mut faults,
                        id,
                        "gives up before the stream forgets",
                        age <= 23 * 3_600,
                    );
                    check(
                        &mut faults,
                        id,
                        "begins at the beginning",
                        p["StartingPosition"] == "TRIM_HORIZON",
                    );
                }
                "ScheduleV2" => {
                    let role = named(&p["RoleArn"]);
                    check(
                        &mut faults,
                        id,
                        "is called by the scheduler's role",
                        role == Some("SchedulerRole"),
                    );
                    check(
                        &mut faults,
                        id,
                        "is not called for days",
                        !p["RetryPolicy"].is_null(),
                    );
                }
                "HttpApi" | "EventBridgeRule" => {}
                other => faults.push(format!("{id}: what is {other}?")),
            }
        }
    }
    for (id, api) in of_kind(template, "AWS::Serverless::HttpApi") {
        let p = &api["Properties"];
        let limits = &p["DefaultRouteSettings"];
        let limited = limits["ThrottlingBurstLimit"].is_u64() && limits["ThrottlingRateLimit"].is_u64();
        check(&mut faults, id, "is throttled", limited);
        // It would override what functions say for each channel.
        check(
            &mut faults,
            id,
            "leaves CORS to functions",
            p.get("CorsConfiguration").is_none(),
        );
    }
    faults
}

/// `(where, statement)` of everything that allows or denies.
fn statements(template: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    let all = template["Resources"].as_mapping().unwrap();
    for (id, resource) in all {
        let mut open = vec![&resource["Properties"]];
        while let Some(value) = open.pop() {
            for (name, inner) in value.as_mapping().into_iter().flatten() {
                if name == "Statement" {
                    let each = inner.as_sequence().into_iter().flatten();
                    found.extend(each.map(|statement| (id.as_str().unwrap().to_owned(), statement)));
                } else {
                    open.push(inner);
                }
            }
            open.extend(value.as_sequence().into_iter().flatten());
        }
    }
    found
}

fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Sequence(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// Promise SEC-03: nothing is allowed in one go.
pub(super) fn policies(template: &Value) -> Faults {
    let mut faults = Faults::new();
    for (id, statement) in statements(template) {
        for inverted in ["NotAction", "NotResource", "NotPrincipal"] {
            check(&mut faults, &id, inverted, statement.get(inverted).is_none());
        }
        if statement["Effect"] == "Deny" {
            continue;
        }
        // A key policy is about its key, whatever it says.
        let of_key = id == "SealingKey";
        for action in each(&statement["Action"]) {
            let action = action.as_str().unwrap_or("*");
            check(
                &mut faults,
                &id,
                &format!("allows {action}"),
                !action.contains('*'),
            );
            let whole = ["dynamodb:Scan", "iam:PassRole", "dynamodb:PartiQLSelect"].contains(&action);
            check(&mut faults, &id, &format!("allows {action}"), !whole);
        }
        for resource in each(&statement["Resource"]) {
            let text = serde_norway::to_string(resource).unwrap();
            let text = text.trim().trim_matches(['\'', '"']);
            // Files below a folder: a tenant's own, or where SES puts mail.
            let folder = text.ends_with("PrincipalTag/tenant}/*") || text.ends_with("${MailBucket.Arn}/in/*");
            check(
                &mut faults,
                &id,
                &format!("reaches {text}"),
                of_key || !text.contains('*') || folder,
            );
        }
    }
    faults
}

/// Promises SEC-02 and SEC-03: each function has roles of its own, and a tenant's role is bound to the tenant.
pub(super) fn roles(template: &Value) -> Faults {
    let mut faults = Faults::new();
    let mut used = BTreeSet::new();
    for (id, function) in of_kind(template, "AWS::Serverless::Function") {
        let role = named(&function["Properties"]["Role"]);
        check(
            &mut faults,
            id,
            "has a role of its own",
            role.is_some() && used.insert(role),
        );
        let policies = function["Properties"].get("Policies");
        check(
            &mut faults,
            id,
            "has no policies beside its role",
            policies.is_none(),
        );
    }
    for (id, role) in of_kind(template, "AWS::IAM::Role") {
        let p = &role["Properties"];
        check(
            &mut faults,
            id,
            "has no managed policies",
            p.get("ManagedPolicyArns").is_none(),
        );
        for trust in each(&p["AssumeRolePolicyDocument"]["Statement"]) {
            // One that another role takes on, for less than it may itself.
            let is_taken_on = id.ends_with("TenantRole") || id == "RetentionPreviewRole";
            if !is_taken_on {
                let service = trust["Principal"]["Service"].as_str().unwrap_or_default();
                let known = ["lambda.amazonaws.com", "scheduler.amazonaws.com"].contains(&service);
                check(
                    &mut faults,
                    id,
                    "is of a service",
                    known && trust["Principal"]["AWS"].is_null(),
                );
                continue;
            }
            let own = id.replace("TenantRole", "Role").replace("PreviewRole", "Role");
            let function = named(&trust["Principal"]["AWS"]);
            check(
                &mut faults,
                id,
                "is of its function alone",
                function == Some(own.as_str()),
            );
            let conditions = &trust["Condition"];
            let tagged = conditions["StringLike"]["aws:RequestTag/tenant"] == "tn_*";
            let alone = conditions["ForAllValues:StringEquals"]["aws:TagKeys"][0] == "tenant";
            check(&mut faults, id, "is for a tenant or nobody", tagged && alone);
        }
        if !id.ends_with("TenantRole") && id != "RetentionPreviewRole" {
            continue;
        }
        for policy in each(&p["Policies"]) {
            for statement in each(&policy["PolicyDocument"]["Statement"]) {
                let text = serde_norway::to_string(statement).unwrap();
                let names_tenant = text.contains("aws:PrincipalTag/tenant}");
                // To put something into a queue, or a secret of nobody's.
                let actions: Vec<&str> = each(&statement["Action"])
                    .iter()
                    .filter_map(|a| a.as_str())
                    .collect();
                let of_rows = actions
                    .iter()
                    .any(|a| ["dynamodb:", "s3:", "kms:"].iter().any(|s| a.starts_with(s)));
                // Encryption at rest: the bucket's own key, through S3 alone.
                let at_rest = text.contains("kms:ViaService");
                check(
                    &mut faults,
                    id,
                    &format!("{actions:?} is bound to the tenant"),
                    !of_rows || names_tenant || at_rest,
                );
                let of_table = actions.iter().any(|action| action.starts_with("dynamodb:"));
                let bound = !statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                    .is_null()
                    || !statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"].is_null();
                check(
                    &mut faults,
                    id,
                    &format!("{actions:?} is bound to partitions"),
                    !of_table || bound,
                );
            }
        }
    }
    faults
}

/// Dead letters and errors are heard of.
pub(super) fn alarms(template: &Value) -> Faults {
    let mut faults = Faults::new();
    let alarms = of_kind(template, "AWS::CloudWatch::Alarm");
    let tells = |metric: &str, of: &str, most: u64| {
        alarms.iter().any(|(_, alarm)| {
            let p = &alarm["Properties"];
            p["MetricName"] == metric
                && named(&p["Dimensions"][0]["Value"]) == Some(of)
                && p["ComparisonOperator"] == "GreaterThanThreshold"
                && p["Threshold"].as_u64().is_some_and(|threshold| threshold <= most)
        })
    };
    for queue in dead_letters(template) {
        let heard = tells("ApproximateNumberOfMessagesVisible", queue, 0);
        check(&mut faults, queue, "somebody hears of dead letters", heard);
    }
    for (id, _) in of_kind(template, "AWS::Serverless::Function") {
        check(
            &mut faults,
            id,
            "somebody hears of errors",
            tells("Errors", id, 5),
        );
    }
    for (id, alarm) in &alarms {
        let p = &alarm["Properties"];
        check(&mut faults, id, "goes to the topic", !p["AlarmActions"].is_null());
        check(
            &mut faults,
            id,
            "says what is wrong",
            p["AlarmDescription"].is_string(),
        );
        check(
            &mut faults,
            id,
            "is quiet where nothing happens",
            p["TreatMissingData"] == "notBreaching",
        );
    }
    faults
}
