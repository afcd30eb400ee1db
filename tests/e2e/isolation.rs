//! Two tenants: nothing of one reaches the other.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Tenant, data, id, run, send};

#[test]
fn another_tenants_ids_are_not_found_whatever_is_done_with_them() {
    run(async {
        let owner = Tenant::with_prices().await;
        let stranger = Tenant::with_prices().await;
        let guest = owner.guest().await;
        let asked = guest
            .say("I am at owner-guest@example.com. Is there a helicopter?")
            .await;
        guest.answer_to(&asked).await;
        let conversation = id(&owner.conversation_of(&asked).await);
        let lead = crate::harness::eventually("the lead is captured", || async {
            data(&owner.get("/v1/leads").await.expect(200)).first().map(id)
        })
        .await;
        let document = id(&data(&owner.get("/v1/documents").await.expect(200))[0]);
        let channel = id(&data(&owner.get("/v1/channels").await.expect(200))[0]);

        let attempts = [
            (Method::GET, format!("/v1/conversations/{conversation}"), None),
            (
                Method::GET,
                format!("/v1/conversations/{conversation}/messages"),
                None,
            ),
            (
                Method::GET,
                format!("/v1/conversations/{conversation}/traces"),
                None,
            ),
            (
                Method::POST,
                format!("/v1/conversations/{conversation}/messages"),
                Some(json!({"text": "x"})),
            ),
            (
                Method::POST,
                format!("/v1/conversations/{conversation}/hand-back"),
                Some(json!({})),
            ),
            (Method::GET, format!("/v1/leads/{lead}"), None),
            (Method::GET, format!("/v1/documents/{document}"), None),
            (Method::DELETE, format!("/v1/documents/{document}"), None),
            (Method::GET, format!("/v1/channels/{channel}"), None),
            (Method::DELETE, format!("/v1/channels/{channel}"), None),
        ];
        for (method, path, body) in attempts {
            let mut request = stranger.request(method.clone(), &path);
            if let Some(body) = &body {
                request = request.json(body);
            }
            assert_eq!(
                send(request).await.status.as_u16(),
                404,
                "{method} {path} by a stranger"
            );
            // The same request is understood from the owner, except that deletes would spoil the rest.
            if method == Method::GET {
                owner.get(&path).await.expect(200);
            }
        }
        for list in ["conversations", "leads"] {
            assert!(
                data(&stranger.get(&format!("/v1/{list}")).await.expect(200)).is_empty(),
                "{list}"
            );
        }
        for path in [
            "/v1/conversations/nonsense",
            "/v1/leads/lead_x",
            "/v1/documents/conv_x",
        ] {
            owner.get(path).await.expect(404);
        }
    });
}

#[test]
fn p_ai_02_an_answer_rests_on_the_tenants_own_documents_alone() {
    run(async {
        let knows = Tenant::new().await;
        let ignorant = Tenant::new().await;
        knows
            .upload("Prices", "The orchid pavilion costs 4711 euros a day.")
            .await;
        ignorant
            .upload("Prices", "The rose pavilion costs 12 euros a day.")
            .await;
        let question = "How much is the orchid pavilion?";
        // The one who knows is asked first, so that a shared cache or index would show.
        let guest = knows.guest().await;
        let asked = guest.say(question).await;
        assert!(
            guest.answer_to(&asked).await["text"]
                .as_str()
                .unwrap()
                .contains("4711")
        );

        let guest = ignorant.guest().await;
        let asked = guest.say(question).await;
        let answer = guest.answer_to(&asked).await;
        assert_eq!(answer["author"], "system", "{answer}");
        let conversation = id(&ignorant.conversation_of(&asked).await);
        let traces = ignorant
            .get(&format!("/v1/conversations/{conversation}/traces"))
            .await
            .expect(200);
        assert!(
            !traces.to_string().contains("4711"),
            "nor does the prompt hold it"
        );
    });
}
