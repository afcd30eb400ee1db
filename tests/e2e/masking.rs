//! Card numbers and government ids, from a guest's keyboard to everything that is made of a message.

use serde_json::json;

use crate::harness::{CLIENT, Tenant, data, id, run, send, stack};

const CARD: &str = "4242 4242 4242 4242";
const NINO: &str = "AB 12 34 56 C";

/// Everything that the API shows of a conversation.
async fn shown(tenant: &Tenant, conversation: &str) -> String {
    let mut all = String::new();
    for path in [
        "/v1/conversations?limit=100".to_owned(),
        format!("/v1/conversations/{conversation}"),
        format!("/v1/conversations/{conversation}/messages?limit=100"),
        format!("/v1/conversations/{conversation}/traces?limit=100"),
        "/v1/leads?limit=100".to_owned(),
    ] {
        all.push_str(&tenant.get(&path).await.expect(200).to_string());
    }
    all
}

#[test]
fn p_col_01_a_card_number_is_found_nowhere_after_a_guest_or_a_person_wrote_it() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let first = guest
            .say(&format!(
                "{CARD} is my card, {NINO} my NI number. I am Ada, ada@example.org. How much is the garden room?"
            ))
            .await;
        guest.answer_to(&first).await;
        let conversation = id(&tenant.conversation_of(&first).await);
        let path = format!("/v1/conversations/{conversation}/messages");
        let body = json!({"text": format!("Shall I charge {CARD}, or 5555555555554444?")});
        let written = tenant.post(&path, &body).await.expect(201);
        assert_eq!(written["text"], "Shall I charge •••• 4242, or •••• 4444?");

        let seen = shown(&tenant, &conversation).await;
        let dump = send(CLIENT.get(tenant.url("/_local/dump")))
            .await
            .body
            .to_string();
        let mut logs = String::new();
        for function in ["inbound", "dispatch", "reply", "deliver", "inbox"] {
            logs.push_str(&stack().logs(function).unwrap_or_default());
        }
        for planted in [CARD, "4242424242424242", "5555555555554444", NINO, "AB123456C"] {
            assert!(!seen.contains(planted), "{planted} is shown");
            assert!(!dump.contains(planted), "{planted} is stored");
            assert!(!logs.contains(planted), "{planted} is logged");
        }
        let masked = "•••• 4242 is my card, [••••] my NI number. I am Ada, ada@example.org.";
        assert!(
            seen.contains(&format!("{masked} How much is the garden room?")),
            "{seen}"
        );
        let traces = tenant
            .get(&format!("/v1/conversations/{conversation}/traces"))
            .await
            .expect(200);
        assert!(data(&traces)[0]["prompt"].as_str().unwrap().contains(masked));
    });
}

#[test]
fn p_col_01_what_a_tenant_switches_off_is_kept_and_switching_on_counts_at_once() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let on = json!({"object": "masking", "cards": true, "government_ids": true});
        assert_eq!(tenant.get("/v1/masking").await.expect(200), on);
        let off = json!({"cards": false, "government_ids": true});
        assert_eq!(tenant.put("/v1/masking", &off).await.expect(200)["cards"], false);
        assert_eq!(tenant.get("/v1/masking").await.expect(200)["cards"], false);

        let guest = tenant.guest().await;
        let said = guest
            .say(&format!("{CARD} and {NINO}: how much is the garden room?"))
            .await;
        guest.answer_to(&said).await;
        let conversation = id(&tenant.conversation_of(&said).await);
        let seen = shown(&tenant, &conversation).await;
        assert!(seen.contains(CARD) && !seen.contains(NINO), "{seen}");

        tenant
            .put("/v1/masking", &json!({"cards": true, "government_ids": true}))
            .await
            .expect(200);
        let said = guest.say("5555 5555 5555 4444, garden room how much?").await;
        guest.answer_to(&said).await;
        let seen = shown(&tenant, &conversation).await;
        assert!(
            !seen.contains("5555 5555 5555 4444") && seen.contains("•••• 4444"),
            "{seen}"
        );
        // What was stored before stays as it is; the trace of the next turn has none of it.
        let path = format!("/v1/conversations/{conversation}/traces");
        let traces = tenant.get(&path).await.expect(200);
        let trace = data(&traces)
            .iter()
            .find(|trace| trace["message_id"] == said.as_str())
            .unwrap();
        let prompt = trace["prompt"].as_str().unwrap();
        assert!(prompt.contains("•••• 4444") && !prompt.contains(CARD), "{prompt}");

        let dump = send(CLIENT.get(tenant.url("/_local/dump")))
            .await
            .body
            .to_string();
        assert!(
            dump.contains("masking_changed"),
            "who switched it is written down"
        );
    });
}

#[test]
fn a_change_of_masking_is_strict() {
    run(async {
        let tenant = Tenant::new().await;
        let table = [
            (json!({"cards": false}), "government_ids", "is required"),
            (
                json!({"cards": 1, "government_ids": true}),
                "cards",
                "must be a boolean",
            ),
            (
                json!({"cards": true, "government_ids": true, "health": false}),
                "health",
                "is not a known field",
            ),
        ];
        for (body, field, message) in table {
            let answer = tenant.put("/v1/masking", &body).await;
            assert_eq!(
                answer.refused(),
                [(field.to_owned(), message.to_owned())],
                "{body}"
            );
            answer.expect(422);
        }
        assert_eq!(tenant.get("/v1/masking").await.expect(200)["cards"], true);
    });
}

#[test]
fn a_message_repeated_across_a_change_of_masking_is_still_one() {
    run(async {
        let tenant = Tenant::new().await;
        let off = json!({"cards": false, "government_ids": false});
        tenant.put("/v1/masking", &off).await.expect(200);
        let guest = tenant.guest().await;
        let body = json!({"text": format!("{CARD} please"), "client_message_id": "one"});
        let first = id(&guest.post(&body).await.expect(202));
        let on = json!({"cards": true, "government_ids": true});
        tenant.put("/v1/masking", &on).await.expect(200);
        assert_eq!(id(&guest.post(&body).await.expect(202)), first);
    });
}
