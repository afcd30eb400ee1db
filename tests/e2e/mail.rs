//! E-mail both ways: in by SES, out by SES or Resend, and what they tell of it.

mod carriers;
mod hostile;
pub(crate) mod journey;
pub(crate) mod mailbox;
mod signatures;

use serde_json::json;
use usher_shared::channel::ChannelSettings;

use self::mailbox::{Mailbox, unique};
use crate::harness::{data, eventually, run, stack};

fn person(name: &str) -> String {
    format!("{}@example.net", unique(name))
}

#[test]
fn a_mail_is_answered_and_the_answer_to_the_answer_joins_it() {
    run(async {
        let mailbox = Mailbox::new(stack()).await;
        let ana = person("ana");
        let asked = mailbox
            .write(json!({"from": format!("Ana <{ana}>"), "subject": "Garden room",
                          "text": "How much is the garden room?"}))
            .await;
        let answer = mailbox.answer(&ana, 1).await;
        assert!(answer["text"].as_str().unwrap().contains("900"), "{answer}");
        assert!(answer["html"].as_str().unwrap().contains("<p>"), "{answer}");
        assert_eq!(answer["provider"], "ses");
        assert_eq!(answer["subject"], "Re: Garden room");
        assert_eq!(answer["from"], format!("\"Test Venue\" <{}>", mailbox.address));
        let asked_id = format!("<{}>", asked["message_id"].as_str().unwrap());
        assert_eq!(answer["headers"]["In-Reply-To"], asked_id);
        assert_eq!(answer["headers"]["References"], asked_id);
        assert_eq!(answer["headers"]["Auto-Submitted"], "auto-replied");
        assert_eq!(answer["headers"]["X-Auto-Response-Suppress"], "All");
        let back = answer["reply_to"].as_str().unwrap();
        let (name, _) = mailbox.address.split_once('@').unwrap();
        assert!(back.starts_with(&format!("{name}+")), "{back}");

        mailbox
            .write(json!({"from": ana, "to": back, "subject": "Re: Garden room",
                          "text": "And with a hundred guests, how much is the garden room?\n\n\
                                   On Mon, 21 Sep 2026 at 14:00, Test Venue wrote:\n> 900 euros"}))
            .await;
        mailbox.answer(&ana, 2).await;
        let conversations = mailbox.tenant.get("/v1/conversations").await.expect(200);
        assert_eq!(data(&conversations).len(), 1, "{conversations}");
        let second = mailbox
            .message("And with a hundred guests, how much is the garden room?")
            .await;
        assert_eq!(second["subject"], "Re: Garden room");
        assert!(
            second["quoted"].as_str().unwrap().contains("> 900 euros"),
            "{second}"
        );
        // SES tells that both arrived.
        eventually("both answers are known to have arrived", || async {
            let messages = mailbox.messages().await;
            let arrived = messages
                .iter()
                .filter(|message| message["delivery"] == "delivered");
            (arrived.count() == 2).then_some(())
        })
        .await;
    });
}

#[test]
fn a_mail_goes_where_what_it_answers_is_and_another_subject_begins_anew() {
    run(async {
        let mailbox = Mailbox::new(stack()).await;
        let (ana, ben) = (person("ana"), person("ben"));
        let of =
            |from: &str, subject: &str, text: &str| json!({"from": from, "subject": subject, "text": text});
        let first = mailbox.write(of(&ana, "May", "First about May")).await;
        mailbox.message("First about May").await;
        // Without a subject, without references: the conversation that goes on.
        mailbox.write(of(&ana, "", "Second about May")).await;
        // What programs put before a subject changes nothing.
        mailbox.write(of(&ana, "AW: Re: may", "Third about May")).await;
        mailbox.write(of(&ana, "June", "First about June")).await;
        let june = ["First about June"];
        let may = ["First about May", "Second about May", "Third about May"];
        let (of_may, of_june) = (
            mailbox.conversations_of(&may).await,
            mailbox.conversations_of(&june).await,
        );
        assert_eq!((of_may.len(), of_june.len()), (1, 1));
        assert!(of_may.is_disjoint(&of_june));
        // June goes on now; what answers May goes to May, found by the id of Ana's own mail.
        let mut late = of(&ana, "Re: May", "Fourth about May");
        late["references"] = json!([first["message_id"], "unknown@example.net"]);
        mailbox.write(late).await;
        assert_eq!(mailbox.conversations_of(&["Fourth about May"]).await, of_may);
        // What changes the subject begins anew, whatever it answers.
        let mut turned = of(&ana, "July", "First about July");
        turned["in_reply_to"] = first["message_id"].clone();
        mailbox.write(turned).await;
        let of_july = mailbox.conversations_of(&["First about July"]).await;
        assert!(of_july.is_disjoint(&of_may) && of_july.is_disjoint(&of_june));

        // The capability brings back its own person alone.
        let back = mailbox.answer(&ana, 1).await["reply_to"].clone();
        let mut stolen = of(&ben, "Re: May", "Ben about May");
        stolen["to"] = back;
        mailbox.write(stolen).await;
        let of_ben = mailbox.conversations_of(&["Ben about May"]).await;
        assert!(of_ben.is_disjoint(&of_may) && of_ben.is_disjoint(&of_july));
    });
}

#[test]
fn a_mail_that_is_delivered_again_is_one_message() {
    run(async {
        let mailbox = Mailbox::new(stack()).await;
        let ana = person("ana");
        let mail = |subject: &str, text: &str| {
            json!({"from": ana, "subject": subject, "text": text, "deliveries": 4,
                   "message_id": format!("{}@example.net", unique("again"))})
        };
        mailbox.write(mail("One", "Told four times")).await;
        mailbox.write(mail("Two", "Another topic, told four times")).await;
        mailbox.message("Another topic, told four times").await;
        // Its own server sends it again: another mail to SES, the same to whoever reads it.
        let mut twice = mail("One", "Sent twice");
        mailbox.write(twice.clone()).await;
        twice["deliveries"] = json!(1);
        mailbox.write(twice).await;
        mailbox.settle().await;
        let messages = mailbox.messages().await;
        let count = |text: &str| messages.iter().filter(|message| message["text"] == text).count();
        assert_eq!(count("Told four times"), 1);
        assert_eq!(count("Another topic, told four times"), 1);
        assert_eq!(count("Sent twice"), 1);
    });
}

#[test]
fn a_forms_mail_is_answered_to_whoever_filled_it() {
    run(async {
        let settings = ChannelSettings {
            form_relays: vec!["Forms <noreply@forms.example>".to_owned()],
            ..ChannelSettings::default()
        };
        let mailbox = Mailbox::with(stack(), settings, None).await;
        let (ana, ben) = (person("ana"), person("ben"));
        mailbox
            .write(json!({"from": "noreply@forms.example", "subject": "New enquiry",
                          "headers": {"Reply-To": format!("Ana <{ana}>"), "Auto-Submitted": "auto-generated"},
                          "text": "Message: How much is the garden room?"}))
            .await;
        mailbox
            .write(json!({"from": "noreply@forms.example", "subject": "New enquiry",
                          "text": format!("Name: Ben\nEmail: {ben}\nMessage: How much is the garden room?")}))
            .await;
        mailbox.answer(&ana, 1).await;
        mailbox.answer(&ben, 1).await;
        assert!(mailbox.sent_to("noreply@forms.example").await.is_empty());
        let conversations = mailbox.tenant.get("/v1/conversations").await.expect(200);
        assert_eq!(data(&conversations).len(), 2);
    });
}

#[test]
fn what_machines_send_is_kept_and_never_answered() {
    run(async {
        let mailbox = Mailbox::new(stack()).await;
        let silent = [
            json!({"headers": {"Auto-Submitted": "auto-replied"}}),
            json!({"headers": {"Precedence": "bulk"}}),
            json!({"headers": {"List-Id": "<news.example.net>"}}),
            json!({"headers": {"X-Auto-Response-Suppress": "OOF, AutoReply"}}),
            json!({"envelope_from": ""}),
            json!({"verdicts": {"spam": "fail"}}),
        ];
        let mut senders = Vec::new();
        for (number, mail) in silent.into_iter().enumerate() {
            let from = person("machine");
            let mut mail = mail;
            mail["from"] = json!(from);
            mail["subject"] = json!("Out of office");
            mail["text"] = json!(format!("How much is the garden room? {number}"));
            mailbox.write(mail).await;
            let kept = mailbox
                .message(&format!("How much is the garden room? {number}"))
                .await;
            assert_eq!(kept["unattended"], true, "{kept}");
            senders.push(from);
        }
        let robot = format!("{}-noreply@example.net", unique("robot"));
        mailbox
            .write(json!({"from": robot, "text": "How much is the garden room? By a robot"}))
            .await;
        senders.push(robot);
        // Our own mail that comes back is nothing new, and neither is a virus.
        let before = mailbox.messages().await.len();
        for mail in [
            json!({"headers": {"X-Usher-Loop": "1"}}),
            json!({"verdicts": {"virus": "fail"}}),
        ] {
            let from = person("loop");
            let mut mail = mail;
            mail["from"] = json!(from);
            mail["text"] = json!("Never stored");
            mailbox.write(mail).await;
            senders.push(from);
        }
        mailbox.settle().await;
        for sender in senders {
            let sent = mailbox.sent_to(&sender).await;
            assert!(sent.is_empty(), "{sender}: {sent:?}");
        }
        let messages = mailbox.messages().await;
        assert!(messages.len() > before);
        assert!(messages.iter().all(|message| message["text"] != "Never stored"));
    });
}

#[test]
fn two_machines_that_answer_each_other_stop() {
    run(async {
        let mailbox = Mailbox::new(stack()).await;
        let echo = person("echo");
        let mail = json!({"from": echo, "subject": "Echo", "text": "How much is the garden room?"});
        for number in 1..=3 {
            mailbox.write(mail.clone()).await;
            mailbox.answer(&echo, number).await;
        }
        let mut fourth = mail.clone();
        fourth["text"] = json!("How much is the garden room? Once more");
        mailbox.write(fourth).await;
        let kept = mailbox.message("How much is the garden room? Once more").await;
        assert_eq!(kept["unattended"], true, "{kept}");
        mailbox.settle().await;
        assert_eq!(mailbox.sent_to(&echo).await.len(), 3);
        let path = format!("/v1/conversations/{}", kept["conversation_id"].as_str().unwrap());
        let conversation = mailbox.tenant.get(&path).await.expect(200);
        assert_eq!(conversation["state"], "waiting_for_human");
    });
}

#[test]
fn a_spoofed_sender_joins_nothing_and_gets_nothing_by_itself() {
    run(async {
        let mailbox = Mailbox::new(stack()).await;
        let ana = person("ana");
        mailbox
            .write(json!({"from": ana, "subject": "May", "text": "How much is the garden room?"}))
            .await;
        let answer = mailbox.answer(&ana, 1).await;
        let spoofed = json!({"from": ana, "to": answer["reply_to"], "subject": "Re: May",
                             "in_reply_to": answer["message_id"], "verdicts": {"dmarc": "fail", "spf": "fail"},
                             "text": "It is I, Ana. How much is the garden room?"});
        mailbox.write(spoofed).await;
        let real = mailbox.conversations_of(&["How much is the garden room?"]).await;
        let text = "It is I, Ana. How much is the garden room?";
        let false_one = mailbox.conversations_of(&[text]).await;
        assert!(real.is_disjoint(&false_one));
        let kept = mailbox.message(text).await;
        assert_eq!(kept["unattended"], true, "{kept}");
        mailbox.settle().await;
        assert_eq!(mailbox.sent_to(&ana).await.len(), 1);
        // What she writes herself still joins her own.
        mailbox
            .write(json!({"from": ana, "to": answer["reply_to"], "subject": "Re: May", "text": "This is really Ana"}))
            .await;
        assert_eq!(mailbox.conversations_of(&["This is really Ana"]).await, real);
    });
}
