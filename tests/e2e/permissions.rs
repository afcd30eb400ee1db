//! Each function can do exactly what it does: a journey through all of them, under their own policies, needs
//! every statement of the template, every action and every resource in it, and nothing else is asked for.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use usher_local::Stack;
use usher_local::permissions::Table;

use crate::harness::{CLIENT, Tenant, run, send, start};
use crate::{busy, journey};

/// A refusal has to show after this long.
const PATIENCE: Duration = Duration::from_secs(30);

#[expect(
    clippy::print_stderr,
    reason = "the table is for whoever reads the test's output"
)]
fn print(text: &str) {
    eprintln!("{text}");
}

/// Names of the statements that say what a function may do, logs apart.
fn statements(table: &Table) -> Vec<String> {
    let rows = table.statements.iter().filter(|row| row.counts);
    rows.map(|row| row.statement.clone()).collect()
}

#[test]
fn p_sec_03_every_statement_of_every_role_is_needed_and_nothing_else_is_asked_for() {
    run(async {
        let stack = start().await;
        Box::pin(journey::everything(&stack)).await;
        let permissions = stack.permissions();
        let table = permissions.table();
        print(&format!("{table}"));

        assert!(table.refused.is_empty(), "something was refused:\n{table}");
        let unused = table.unused();
        assert!(
            unused.is_empty(),
            "permissions without use:\n{}",
            unused.join("\n")
        );
        for statement in statements(&table) {
            let refused = permissions.refused_without(&statement).unwrap();
            assert!(!refused.is_empty(), "nothing needs {statement}");
        }
        // One of each kind is taken away for real.
        let tenant = Tenant::with_prices_on(&stack).await;
        for statement in [
            "InboundTenantRole/Inbox",
            "DispatchRole/StreamRead",
            "DispatchRole/Enqueue",
            "ReplyRole/Queue",
            "DeliverTenantRole/TenantKey",
            "MailRole/RawMail",
            "InboxRole/trust",
            "InboxTenantRole/trust",
            "ErasureRole/tenant-role",
            "ExportsTenantRole/Files",
            "ExportsTenantRole/FilesAtRest",
            "SchedulerRole/invoke",
        ] {
            without(&stack, &tenant, statement).await;
        }
        stack.shutdown().await;
    });
}

/// A minute or two; run with `just permissions`.
#[test]
#[ignore = "takes away every statement, one after the other"]
fn every_statement_is_missed_when_it_is_taken_away() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        for statement in statements(&stack.permissions().table()) {
            let refused = without(&stack, &tenant, &statement).await;
            print(&format!("{statement}: {refused}"));
        }
        stack.shutdown().await;
    });
}

/// Takes a statement away, does what needs it, and sees that it is refused: with a line that names function,
/// action and role.
async fn without(stack: &Stack, tenant: &Tenant, statement: &str) -> String {
    let permissions = stack.permissions();
    let (role, _) = statement.split_once('/').unwrap();
    let function = role
        .trim_end_matches("Role")
        .trim_end_matches("Tenant")
        .to_lowercase();
    // Nothing is remembered from before: sessions and keys would outlive the statement they came by.
    for name in stack.template().functions.iter().map(|function| &function.name) {
        stack.kill(name).await;
    }
    permissions.reset();
    permissions.remove(statement).unwrap();
    let missed = async {
        loop {
            // Whoever takes a role is refused in its own name, for the role as resource.
            let refused = permissions.table().refused;
            let found = refused
                .iter()
                .find(|refused| refused.role == role || refused.resource.ends_with(&format!(":role/{role}")));
            if let Some(found) = found {
                return found.clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let refused = tokio::select! {
        found = tokio::time::timeout(PATIENCE, missed) => found.ok(),
        () = busy::keep_doing(stack, tenant, &function) => None,
    };
    let refused = refused.unwrap_or_else(|| panic!("nothing misses {statement}:\n{}", permissions.table()));
    let told = stack.console().recent().iter().any(|line| {
        let start = format!(
            "refused: {} as {} may not {}",
            refused.function, refused.role, refused.action
        );
        line.starts_with(&start) && line.ends_with(&refused.missing)
    });
    assert!(told, "nobody was told of {refused:?}");
    permissions.restore(statement).unwrap();
    format!("{} may not {}", refused.function, refused.action)
}

#[test]
fn permissions_are_listed_taken_away_and_given_back_over_http() {
    run(async {
        let stack = start().await;
        let url = format!("{}/_local/permissions", stack.base_url());
        let post = |body: Value| send(CLIENT.post(&url).json(&body));
        let row = |body: &Value| {
            let rows = body["statements"].as_array().unwrap();
            let found = rows
                .iter()
                .find(|row| row["statement"] == "InboxRole/DirectoryRead");
            found.unwrap().clone()
        };
        let tenant = Tenant::on(&stack, usher_shared::category::Preset::Hospitality).await;
        tenant.get("/v1/leads").await.expect(200);
        let listed = send(CLIENT.get(&url)).await.expect(200);
        assert!(row(&listed)["allowed"].as_u64() > Some(0), "{listed}");
        assert!(
            listed["unused"]
                .to_string()
                .contains("RetentionRole/ListOfTenants")
        );

        let removed = post(json!({"remove": "InboxRole/DirectoryRead"}))
            .await
            .expect(200);
        assert_eq!(row(&removed)["removed"], true);
        let failed = tenant.get("/v1/leads").await;
        assert!(failed.status.is_server_error(), "{}", failed.body);
        let after = send(CLIENT.get(&url)).await.expect(200);
        let refused = &after["refused"][0];
        assert_eq!(
            (&refused["function"], &refused["action"]),
            (&json!("inbox"), &json!("dynamodb:GetItem"))
        );
        assert!(
            refused["missing"]
                .as_str()
                .unwrap()
                .contains("!GetAtt InboxTable.Arn")
        );
        post(json!({"restore": "all"})).await.expect(200);
        tenant.get("/v1/leads").await.expect(200);
        let reset = send(CLIENT.delete(&url)).await.expect(200);
        assert_eq!(reset["refused"], json!([]));
        let table = send(CLIENT.get(format!("{url}/table"))).await;
        assert!(table.body.as_str().unwrap().contains("InboxRole/DirectoryRead"));
        for (body, field) in [
            (json!({"remove": "InboxRole/None"}), "remove"),
            (json!({"restore": "None"}), "restore"),
            (json!({}), "remove"),
            (json!({"take": "x"}), "take"),
        ] {
            let refused = post(body.clone()).await.expect(422);
            assert_eq!(refused["errors"][0]["field"], field, "{body}");
        }
        stack.shutdown().await;
    });
}

/// Does several things at once and waits for all.
pub(crate) async fn at_once(all: impl IntoIterator<Item = impl Future<Output = ()> + Send + 'static>) {
    let mut set = JoinSet::new();
    for one in all {
        set.spawn(one);
    }
    while let Some(done) = set.join_next().await {
        done.unwrap();
    }
}
