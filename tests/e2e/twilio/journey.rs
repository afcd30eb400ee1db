//! Everything that text messages and calls ask of the functions' permissions.

use serde_json::json;
use usher_local::Stack;

use super::line::{Line, answer_in, messages, number, received};
use super::texts::guest;
use crate::harness::{CLIENT, Tenant, data, eventually, send};

/// A number that Twilio sends nothing to.
const REFUSED: &str = "+15005550004";

/// Consent there and back, more than a channel may send, a call with its link and its recording.
pub(crate) async fn everything(stack: &Stack, tenant: &Tenant) {
    let sms = Line::sms(stack, tenant).await;
    tokio::join!(refused(&sms), more_than_one_may_send(&sms));
    let line = Line::voice(stack, tenant, Some(sms.id)).await;
    let (from, said) = (number(), "Please text me the link.");
    guest(&line, "voice", &from, said).await;
    let (conversation, _) = line.said(said).await;
    eventually("the link is sent", || async {
        (!received(tenant, &from).await.is_empty()).then_some(())
    })
    .await;
    let erased = tenant.delete(&format!("/v1/conversations/{conversation}")).await;
    assert!(erased.status.is_success(), "{}", erased.body);
    eventually("the recording is deleted", || async {
        let list = send(CLIENT.get(tenant.url("/_local/outbox?kind=recording_deleted"))).await;
        (!data(&list.expect(200)).is_empty()).then_some(())
    })
    .await;
}

/// Somebody who ends messages, resumes them, and is refused by the carrier.
async fn refused(sms: &Line<'_>) {
    for text in ["STOP", "START", "Hello?"] {
        sms.text(REFUSED, text).await;
    }
    let (conversation, _) = sms.said("Hello?").await;
    let answer = answer_in(sms.tenant, &conversation, "Hello?").await;
    assert_eq!(answer["failure"], "opted_out", "{answer}");
}

/// So many messages that the channel's limit is looked up.
async fn more_than_one_may_send(sms: &Line<'_>) {
    let from = number();
    sms.text(&from, "Hi").await;
    let (conversation, _) = sms.said("Hi").await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let count = 24;
    for number in 0..count {
        let body = json!({"text": format!("number {number}")});
        sms.tenant.post(&path, &body).await.expect(201);
    }
    eventually("all are sent", || async {
        let all = messages(sms.tenant, &conversation).await;
        let sent = all
            .iter()
            .filter(|one| one["state"] == "sent" && one["author"] == "human");
        (sent.count() == count).then_some(())
    })
    .await;
}
