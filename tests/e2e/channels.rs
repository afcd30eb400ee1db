//! Channels as a resource.

use serde_json::json;
use usher_shared::channel::ChannelKind;

use crate::harness::{CLIENT, Tenant, data, id, run, send, stack};

/// Secrets that `harness.rs` connects with begin with one of these.
const SECRETS: [&str; 2] = ["twilio-token-", "meta-token-"];

#[test]
fn p_col_09_every_kind_is_connected_and_no_answer_and_no_row_shows_a_secret() {
    run(async {
        let tenant = Tenant::new().await;
        for kind in ChannelKind::ALL {
            let made = tenant.connect(kind, json!({})).await;
            assert_eq!(made["kind"], kind.name());
            assert_eq!(made["state"], "active");
            let read = tenant
                .get(&format!("/v1/channels/{}", id(&made)))
                .await
                .expect(200);
            let list = tenant.get("/v1/channels").await.expect(200);
            for shown in [&read, &list] {
                let shown = shown.to_string();
                assert!(!SECRETS.iter().any(|secret| shown.contains(secret)), "{shown}");
            }
        }
        // The tenant's own web chat was there before.
        let list = tenant.get("/v1/channels").await.expect(200);
        assert_eq!(data(&list).len(), ChannelKind::ALL.len() + 1);
        let dump = send(CLIENT.get(format!("{}/_local/dump", stack().base_url()))).await;
        let dump = dump.body.to_string();
        assert!(!SECRETS.iter().any(|secret| dump.contains(secret)));
    });
}
