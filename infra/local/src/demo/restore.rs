//! The demo's backup: of before a person was forgotten, restored afterwards.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::play::{Play, check, list, parse, text_of};
use super::{PATIENCE, POLL};

/// What a backup holds that is to be forgotten.
pub(super) struct Before {
    email: String,
    lead: String,
    conversation: String,
}

/// Takes a backup while the lead with this address is known.
pub(super) async fn back_up(play: &Play<'_>, email: &str) -> Result<Before, String> {
    let leads = play.api("/v1/leads").await?;
    let lead = list(&leads)
        .iter()
        .find(|lead| lead["contacts"][0]["email"] == email);
    let lead = lead.ok_or("the lead is not there")?;
    let before = Before {
        email: email.to_owned(),
        lead: text_of(lead, "id")?.to_owned(),
        conversation: text_of(&lead["contacts"][0], "conversation_id")?.to_owned(),
    };
    local(play, "backup", &json!({})).await?;
    Ok(before)
}

/// Restores the backup of before the lead was deleted, as an operator would after losing everything.
pub(super) async fn restore(play: &Play<'_>, before: &Before) -> Result<(), String> {
    play.step("The tables are lost, and restored from the backup of before the lead was deleted");
    let report = local(play, "restore", &json!({"days_ago": 0})).await?;
    let dump = play.text(play.client.get(play.url("/_local/dump"))).await?.1;
    check(
        dump.contains(&format!("#l#{}", before.lead)),
        "the backup has brought the lead's row back",
    )?;
    let refused = play
        .client
        .get(play.url("/v1/leads"))
        .bearer_auth(&play.demo.api_key);
    let (status, text) = play.text(refused).await?;
    check(
        parse(status, &text, 503)?["code"] == "restoring",
        "nothing serves before the ledger was replayed",
    )?;
    play.step("  nothing serves yet; the operator replays the ledger of erasures:");
    let ledger = text_of(&report, "live_ledger")?;
    let arguments = [
        "--local",
        play.stack.base_url(),
        "restore",
        "replay",
        "--from-ledger",
        ledger,
    ];
    let replayed = Box::pin(usher_ops::run(arguments.map(str::to_owned))).await;
    check(replayed == ExitCode::SUCCESS, "the replay ends well")?;
    // A function that has just refused looks again after a second.
    let serves = async {
        while play.api("/v1/conversations").await.is_err() {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(PATIENCE, serves)
        .await
        .map_err(|_| "the functions never served again".to_owned())?;

    for path in [
        format!("/v1/leads/{}", before.lead),
        format!("/v1/conversations/{}/messages", before.conversation),
    ] {
        let read = play.client.get(play.url(&path)).bearer_auth(&play.demo.api_key);
        check(play.text(read).await?.0 == 404, &format!("{path} is not there"))?;
    }
    let found = play
        .post("/v1/leads/search", &json!({"email": before.email}), 200)
        .await?;
    check(list(&found).is_empty(), "the address finds nobody")?;
    let dump = play.text(play.client.get(play.url("/_local/dump"))).await?.1;
    for gone in [
        format!("#l#{}", before.lead),
        format!("#v#{}", before.conversation),
    ] {
        check(!dump.contains(&gone), "no row of theirs is left")?;
    }
    check(
        !list(&play.api("/v1/conversations").await?).is_empty(),
        "everybody else is there",
    )?;
    play.step("  the person stays forgotten, and everybody else is there");
    Ok(())
}

async fn local(play: &Play<'_>, what: &str, body: &Value) -> Result<Value, String> {
    let request = play.client.post(play.url(&format!("/_local/{what}"))).json(body);
    let (status, text) = play.text(request).await?;
    parse(status, &text, 200)
}
