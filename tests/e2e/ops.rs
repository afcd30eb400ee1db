//! The operator's tool: the real binary against a running stack.

use std::process::{Output, Stdio};

use serde_json::{Value, json};
use usher_local::Stack;
use usher_shared::category::Preset;

use crate::harness::{CLIENT, data, id, root, run, send, stack, start};

/// Runs `usher-ops` against a stack.
pub(crate) async fn ops(stack: &Stack, arguments: &[&str]) -> Output {
    let binaries = usher_local::binaries::build(&root(), usher_local::binaries::Beside::Tests)
        .await
        .unwrap();
    let mut command = tokio::process::Command::new(&binaries["usher-ops"]);
    command
        .args(["--local", stack.base_url()])
        .args(arguments)
        .stdin(Stdio::null());
    command.output().await.unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The JSON that a successful command printed.
pub(crate) async fn told(stack: &Stack, arguments: &[&str]) -> Value {
    let output = ops(stack, &[arguments, &["--json"]].concat()).await;
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Exit code and complaint of a command.
pub(crate) async fn refused(stack: &Stack, arguments: &[&str]) -> (i32, String) {
    let output = ops(stack, arguments).await;
    assert!(output.stdout.is_empty(), "{arguments:?}");
    (output.status.code().unwrap(), text(&output.stderr))
}

async fn create(stack: &Stack) -> (String, Value) {
    let tenant = told(
        stack,
        &[
            "tenant",
            "create",
            "--name",
            "Villa Ops",
            "--preset",
            "website",
            "--admin",
            "owner@example.com",
        ],
    )
    .await;
    (id(&tenant), tenant["api_key"].clone())
}

async fn status(stack: &Stack, secret: &Value) -> u16 {
    let request = CLIENT
        .get(format!("{}/v1/leads", stack.base_url()))
        .bearer_auth(secret.as_str().unwrap());
    send(request).await.status.as_u16()
}

#[test]
fn an_operators_first_day_ends_with_a_key_that_works() {
    run(async {
        let stack = stack();
        let (tenant, key) = create(stack).await;
        assert_eq!(status(stack, &key["secret"]).await, 200);

        let shown = told(stack, &["tenant", "show", &tenant]).await;
        assert_eq!(shown["name"], "Villa Ops");
        assert_eq!(shown["preset"], "website");
        assert_eq!(shown["admin"], "o***@example.com", "masked");
        assert_eq!(shown["knowledge_version"], 0);
        assert_eq!(shown["retention_days"]["conversation"], 365);
        assert_eq!(
            shown["retention_days"]["lead"],
            Value::Null,
            "life of the account"
        );
        let revealed = told(stack, &["tenant", "show", &tenant, "--reveal"]).await;
        assert_eq!(revealed["admin"], "owner@example.com");

        let tenants = told(stack, &["tenant", "list"]).await;
        let listed = data(&tenants).iter().find(|listed| id(listed) == tenant);
        assert_eq!(listed.unwrap()["name"], "Villa Ops");

        let keys = told(stack, &["key", "list", &tenant]).await;
        let secret = key["secret"].as_str().unwrap();
        assert_eq!(data(&keys).len(), 1);
        assert_eq!(data(&keys)[0]["id"], key["id"]);
        assert_eq!(data(&keys)[0]["last_four"], secret[secret.len() - 4..]);
        assert!(!keys.to_string().contains(secret), "never the secret");

        // The same without --json: every fact is on a line of its own.
        let output = ops(stack, &["tenant", "show", &tenant]).await;
        let shown = text(&output.stdout);
        for fact in [
            tenant.as_str(),
            "Villa Ops",
            "o***@example.com",
            "365 days",
            "life of the account",
        ] {
            assert!(shown.contains(fact), "{fact}: {shown}");
        }
        let dump = send(CLIENT.get(format!("{}/_local/dump", stack.base_url()))).await;
        assert!(!dump.body.to_string().contains("owner@example.com"), "sealed");
    });
}

#[test]
fn every_tenant_is_listed_however_many_there_are() {
    run(async {
        let stack = stack();
        let platform = usher_local::seed::operator(stack).unwrap();
        platform.ensure_platform_key().await.unwrap();
        let mut made = Vec::new();
        for _ in 0..101 {
            made.push(
                platform
                    .create_tenant("One of many", Preset::Mail)
                    .await
                    .unwrap()
                    .to_string(),
            );
        }
        let output = ops(stack, &["tenant", "list", "--json"]).await;
        let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let listed: Vec<String> = data(&listed).iter().map(id).collect();
        assert!(
            made.iter().all(|id| listed.contains(id)),
            "{} of 101",
            listed.len()
        );
        assert!(text(&output.stderr).contains("so far"), "progress is told");
    });
}

#[test]
fn p_sec_04_a_rotated_key_works_through_the_overlap_and_no_longer() {
    run(async {
        let stack = start().await;
        let (tenant, old) = create(&stack).await;
        let new = told(&stack, &["key", "rotate", &tenant, &id(&old), "--overlap", "24h"]).await;
        assert_eq!(new["replaces"]["id"], old["id"]);
        assert_eq!(
            (
                status(&stack, &old["secret"]).await,
                status(&stack, &new["secret"]).await
            ),
            (200, 200)
        );
        let advance = |by: &'static str| {
            let clock = format!("{}/_local/clock", stack.base_url());
            send(CLIENT.post(clock).json(&json!({ "advance": by })))
        };
        advance("23h").await.expect(200);
        assert_eq!(status(&stack, &old["secret"]).await, 200);
        advance("1h1m").await.expect(200);
        assert_eq!(
            (
                status(&stack, &old["secret"]).await,
                status(&stack, &new["secret"]).await
            ),
            (401, 200)
        );
        let keys = told(&stack, &["key", "list", &tenant]).await;
        let scopes: Vec<&Value> = data(&keys).iter().map(|key| &key["scopes"]).collect();
        assert_eq!(scopes[0], scopes[1], "the same scopes");
        assert_eq!(data(&keys)[0]["expires_at"], new["replaces"]["expires_at"]);
        let (code, said) = refused(&stack, &["key", "rotate", &tenant, &id(&old)]).await;
        assert_eq!(code, 1, "an ended key has no successor: {said}");
        stack.shutdown().await;
    });
}

#[test]
fn p_sec_04_a_revoked_key_is_refused_at_once_and_scopes_and_expiry_are_as_asked() {
    run(async {
        let stack = stack();
        let (tenant, first) = create(stack).await;
        let made = told(
            stack,
            &[
                "key",
                "create",
                &tenant,
                "--scopes",
                "leads:read",
                "--expires",
                "90d",
            ],
        )
        .await;
        assert_eq!(status(stack, &made["secret"]).await, 200);
        let request = CLIENT
            .get(format!("{}/v1/channels", stack.base_url()))
            .bearer_auth(made["secret"].as_str().unwrap());
        send(request).await.expect(403);

        let revoked = told(stack, &["key", "revoke", &tenant, &id(&made)]).await;
        assert_eq!(status(stack, &made["secret"]).await, 401);
        let again = told(stack, &["key", "revoke", &tenant, &id(&made)]).await;
        assert_eq!(again["revoked_at"], revoked["revoked_at"], "once is once");
        assert_eq!(
            status(stack, &first["secret"]).await,
            200,
            "the other key is not touched"
        );
        let keys = told(stack, &["key", "list", &tenant]).await;
        assert_eq!(data(&keys)[1]["scopes"], json!(["leads:read"]));
        assert_eq!(data(&keys)[1]["revoked_at"], revoked["revoked_at"]);
        assert_eq!(data(&keys)[1]["expires_at"], made["expires_at"]);
    });
}

#[test]
fn what_is_wrong_with_a_command_is_named_and_the_exit_code_says_which_kind() {
    run(async {
        let stack = stack();
        let (tenant, key) = create(stack).await;
        let (other, _) = create(stack).await;
        let key = id(&key);
        let nobody = format!("tn_{}", "0".repeat(26));
        let no_key = format!("key_{}", "0".repeat(26));
        let table: [(&[&str], i32, &str); 10] = [
            (
                &[
                    "tenant", "create", "--name", "V", "--preset", "hotel", "--admin", "a@b.com",
                ],
                2,
                "--preset",
            ),
            (
                &[
                    "tenant", "create", "--name", "V", "--preset", "mail", "--admin", "anna",
                ],
                2,
                "--admin",
            ),
            (
                &["tenant", "create", "--name", "V", "--preset", "mail"],
                2,
                "--admin",
            ),
            (
                &["key", "create", &tenant, "--scopes", "leads:fly"],
                2,
                "leads:fly",
            ),
            (&["tenant", "show", "somebody"], 2, "<tenant>"),
            (&["tenant", "show", &nobody], 3, &nobody),
            (&["key", "list", &nobody], 3, &nobody),
            (&["key", "create", &nobody, "--scopes", "all"], 3, &nobody),
            (&["key", "revoke", &tenant, &no_key], 3, &no_key),
            (&["key", "revoke", &other, &key], 3, &key),
        ];
        for (arguments, code, named) in table {
            let (found, said) = refused(stack, arguments).await;
            assert_eq!(found, code, "{arguments:?}: {said}");
            assert!(said.contains(named), "{arguments:?}: {said}");
        }
        let (code, said) = refused(stack, &["--stack-outputs", "x", "tenant", "list"]).await;
        assert_eq!((code, said.contains("--stack-outputs")), (2, true), "{said}");
    });
}
