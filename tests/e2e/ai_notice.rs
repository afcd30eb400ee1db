//! Guests are told that an AI answers them, before it does and once.

use serde_json::{Value, json};

use crate::harness::{CLIENT, Tenant, data, eventually, id, run, send, start};
use crate::twilio::line::{Line, answer_in, messages, number, received};

const ENGLISH: &str = "You are writing with an AI assistant.";
const GERMAN: &str = "Hier schreibt unsere KI.";
const ANSWER: &str = "The garden room costs 900 euros a day.";

async fn state(tenant: &Tenant, conversation: &str, verb: &str) {
    let path = format!("/v1/conversations/{conversation}/{verb}");
    tenant.post(&path, &json!({})).await.expect(200);
}

#[test]
fn the_first_answer_of_an_ai_says_that_it_is_one_in_the_guests_language_and_no_other_does() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let other = Tenant::with_prices_on(&stack).await;
        let settings = json!({"voice": "", "facts": "", "opening_hours": "", "ai_notices": {"de": GERMAN}});
        let set = tenant.put("/v1/assistant", &settings).await.expect(200);
        assert_eq!(
            (&set["ai_notices"]["de"], &set["ai_notices"]["en"]),
            (&json!(GERMAN), &json!(ENGLISH))
        );
        assert_eq!(tenant.get("/v1/assistant").await.expect(200), set);
        let bad =
            json!({"voice": "", "facts": "", "opening_hours": "", "ai_notices": {"fr": "Appelez le 0123"}});
        let refused = tenant.put("/v1/assistant", &bad).await;
        assert_eq!(refused.refused()[0].0, "ai_notices.fr");

        let line = Line::sms(&stack, &tenant).await;
        let guest = number();
        // A hand-over is no answer of an AI: nothing is said of one.
        let helicopter = "Is there a helicopter for us?";
        line.text(&guest, helicopter).await;
        let (conversation, _) = line.said(helicopter).await;
        let notice = answer_in(&tenant, &conversation, helicopter).await;
        assert!(!notice["text"].as_str().unwrap().contains("AI"), "{notice}");
        state(&tenant, &conversation, "hand-back").await;

        let first = "How much is the garden room for us?";
        line.text(&guest, first).await;
        let answer = answer_in(&tenant, &conversation, first).await;
        assert_eq!(answer["text"], format!("{ENGLISH}\n\n{ANSWER}"));
        let left = received(&tenant, &guest).await;
        let told = |entry: &Value| entry["content"].to_string().contains(ENGLISH);
        assert_eq!(left.iter().filter(|entry| told(entry)).count(), 1);
        let path = format!("/v1/conversations/{conversation}/traces");
        let traces = tenant.get(&path).await.expect(200);
        let in_traces: Vec<&Value> = data(&traces).iter().map(|trace| &trace["ai_notice"]).collect();
        assert_eq!(in_traces, [&Value::Null, &json!("en")]);
        assert_eq!(
            data(&traces)[1]["response"],
            answer["text"],
            "the trace says what was said"
        );

        // A person has it for long, longer than what a turn reads; then the AI again, without a second notice.
        for turn in 0..21 {
            line.typed(&conversation, &format!("Let me see, {turn}.")).await;
        }
        state(&tenant, &conversation, "hand-back").await;
        let later = "And how much was the garden room?";
        line.text(&guest, later).await;
        assert_eq!(answer_in(&tenant, &conversation, later).await["text"], ANSWER);

        // In the guest's language, with the tenant's words for it; another tenant's guests get none of them.
        let german = number();
        let question = "Guten Tag, was kostet der garden room am Tag, und ist er frei?";
        line.text(&german, question).await;
        let (conversation, _) = line.said(question).await;
        let answer = answer_in(&tenant, &conversation, question).await;
        if answer["author"] == "ai" {
            assert!(answer["text"].as_str().unwrap().starts_with(GERMAN), "{answer}");
        }
        let theirs = Line::connected(&other).await;
        let question = "Ist der garden room frei? How much is the garden room?";
        theirs.text(&number(), question).await;
        let (conversation, _) = theirs.said(question).await;
        let answer = answer_in(&other, &conversation, question).await;
        assert!(!answer["text"].as_str().unwrap().contains(GERMAN), "{answer}");
        stack.shutdown().await;
    });
}

#[test]
fn a_page_is_given_the_notice_with_the_session_and_the_answers_stand_alone() {
    run(async {
        let tenant = Tenant::with_prices().await;
        for (accepted, language, text) in [
            (None, "en", ENGLISH),
            (
                Some("de-AT,de;q=0.9,en;q=0.5"),
                "de",
                "Sie schreiben mit einem KI-Assistenten.",
            ),
            (Some("ja, it-CH;q=0.8"), "it", "Sta scrivendo a un assistente IA."),
            (Some("ja"), "en", ENGLISH),
        ] {
            let mut request = CLIENT.post(tenant.chat("sessions"));
            if let Some(accepted) = accepted {
                request = request.header("accept-language", accepted);
            }
            let session = send(request).await.expect(201);
            assert_eq!(
                session["ai_notice"],
                json!({"language": language, "text": text}),
                "{accepted:?}"
            );
        }
        let guest = tenant.guest().await;
        let asked = guest.say("How much is the garden room?").await;
        assert_eq!(guest.answer_to(&asked).await["text"], ANSWER);
    });
}

#[test]
fn an_answer_that_a_person_overtook_told_nobody() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let line = Line::sms(&stack, &tenant).await;
        let guest = number();
        assert!(stack.pause("deliver", true));
        let first = "How much is the garden room?";
        line.text(&guest, first).await;
        let (conversation, _) = line.said(first).await;
        let answer = eventually("it is answered", || async {
            let messages = messages(&tenant, &conversation).await;
            messages.into_iter().find(|message| message["author"] == "ai")
        })
        .await;
        assert!(answer["text"].as_str().unwrap().starts_with(ENGLISH));
        state(&tenant, &conversation, "take-over").await;
        assert!(stack.pause("deliver", false));
        crate::twilio::line::settled(&tenant, &conversation, &id(&answer)).await;
        state(&tenant, &conversation, "hand-back").await;
        let second = "So how much is the garden room?";
        line.text(&guest, second).await;
        let answer = answer_in(&tenant, &conversation, second).await;
        assert!(answer["text"].as_str().unwrap().starts_with(ENGLISH), "{answer}");
        stack.shutdown().await;
    });
}
