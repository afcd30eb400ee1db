//! Everything that mail needs its permissions for.

use futures_util::future::join_all;
use serde_json::json;
use usher_local::Stack;

use super::mailbox::{Mailbox, unique};
use crate::harness::{CLIENT, Tenant, eventually, send};
use crate::journey::used;

/// In, out, a bounce by either provider, what was left over, and a race.
pub(crate) async fn everything(stack: &Stack) {
    let mailbox = Mailbox::new(stack).await;
    for name in ["ana", "wrong"] {
        let from = format!("{}@example.net", unique(name));
        let mail = json!({"from": from, "subject": "Garden room", "text": "How much is the garden room?",
                          "attachments": [{"name": "plan.txt", "media_type": "text/plain", "base64": "UGxhbg=="}]});
        mailbox.write(mail).await;
        mailbox.answer(&from, 1).await;
    }
    eventually("a bounce is noted", || async {
        used(stack, "MailTenantRole/Ledger", "dynamodb:PutItem").then_some(())
    })
    .await;
    let leftovers = format!("{}/_local/schedule/leftovers", stack.base_url());
    send(CLIENT.post(leftovers)).await.expect(200);
    race(stack, &mailbox).await;
}

/// Several first mails of one person at once: all but one make a contact in vain and remove it.
async fn race(stack: &Stack, mailbox: &Mailbox) {
    for _ in 0..40 {
        let from = format!("{}@example.net", unique("race"));
        let mails = (0..4).map(|number| {
            let mail = json!({"from": from, "subject": "Race", "text": format!("Hello {number}")});
            mailbox.write(mail)
        });
        join_all(mails).await;
        if used(stack, "MailTenantRole/Keys", "dynamodb:DeleteItem") {
            return;
        }
    }
    panic!("forty people, and no race");
}

/// What needs the functions of mail, again and again, whatever comes of it.
pub(crate) async fn keep_doing(stack: &Stack, tenant: &Tenant) {
    let mailbox = Mailbox::of(stack, tenant).await;
    loop {
        let mail = json!({"kind": "email", "to": mailbox, "from": format!("{}@example.net", unique("busy")),
                          "subject": "Garden room", "text": "How much is the garden room?"});
        send(
            CLIENT
                .post(format!("{}/_local/guest", stack.base_url()))
                .json(&mail),
        )
        .await;
        send(CLIENT.post(format!("{}/_local/schedule/leftovers", stack.base_url()))).await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
