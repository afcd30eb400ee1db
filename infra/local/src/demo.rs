//! The demo, played unattended: each step says what it did and is checked.
#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value read by name gives null, never a panic"
)]

mod restore;

use std::time::Duration;

use serde_json::{Value, json};

use usher_shared::category::Preset;

use crate::seed::Demo;
use crate::stack::Stack;

/// An answer has to be there after this long; the reply queue alone waits two seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(150);
/// Longer than the reply queue's delay and a turn: what has not come by then does not come.
const SILENCE: Duration = Duration::from_secs(5);

/// Plays the demo and checks each step.
///
/// # Errors
/// The first step that went wrong, and how.
pub async fn run(stack: &Stack, demo: &Demo) -> Result<(), String> {
    let play = Play {
        stack,
        demo,
        client: crate::client::loopback(),
    };
    play.price_is_answered_from_the_documents().await?;
    play.what_no_document_says_is_handed_over().await?;
    play.three_quick_messages_get_one_answer().await?;
    play.the_same_message_twice_is_one().await?;
    play.nothing_personal_lies_in_the_open().await?;
    let before = restore::back_up(&play, "pilot@example.com").await?;
    play.a_lead_is_exported_and_then_forgotten().await?;
    restore::restore(&play, &before).await?;
    play.after_twelve_months_a_web_sites_chat_is_gone().await?;
    stack.console().say("All steps were right.");
    Ok(())
}

struct Play<'a> {
    stack: &'a Stack,
    demo: &'a Demo,
    client: reqwest::Client,
}

impl Play<'_> {
    async fn price_is_answered_from_the_documents(&self) -> Result<(), String> {
        self.step("A guest asks: How much is the Lake menu per person?");
        let guest = self.guest().await?;
        let asked = self
            .say(&guest, "How much is the Lake menu per person?", None)
            .await?;
        let answer = self.answer_to(&guest, &asked).await?;
        let text = text_of(&answer, "text")?;
        check(
            text.contains("96"),
            &format!("the answer names the price of 96 euros: {text}"),
        )?;
        check(answer["author"] == "ai", "the AI answered")?;
        self.step(&format!(
            "  answered: {}",
            text.lines().next().unwrap_or_default()
        ));

        let trace = self.trace_of(&asked).await?;
        check(trace["decision"] == "answered", "the trace says so")?;
        let document = text_of(&trace["passages"][0], "document_id")?.to_owned();
        let title = self.api(&format!("/v1/documents/{document}")).await?;
        check(
            title["title"] == "Price list",
            "the passage is from the price list",
        )?;
        self.step(&format!(
            "  from passage {} of {}",
            trace["passages"][0]["number"], title["title"]
        ));
        Ok(())
    }

    async fn what_no_document_says_is_handed_over(&self) -> Result<(), String> {
        self.step("A guest asks: Is there a helicopter landing pad? I am at pilot@example.com.");
        let guest = self.guest().await?;
        let text = "Is there a helicopter landing pad? I am at pilot@example.com.";
        let asked = self.say(&guest, text, None).await?;
        let notice = self.answer_to(&guest, &asked).await?;
        check(
            notice["author"] == "system",
            "a notice says that a person will answer",
        )?;
        let conversation = self.conversation_of(&asked).await?;
        check(
            conversation["state"] == "waiting_for_human",
            "the conversation waits for a person",
        )?;
        self.step("  handed over; the conversation waits for a person");

        let leads = self.api("/v1/leads").await?;
        let emails: Vec<_> = list(&leads)
            .iter()
            .map(|lead| &lead["contacts"][0]["email"])
            .collect();
        check(
            emails.contains(&&json!("pilot@example.com")),
            "the lead was captured",
        )?;
        self.step("  the address they left became a lead");

        let id = text_of(&conversation, "id")?;
        let path = format!("/v1/conversations/{id}/messages");
        self.post(&path, &json!({"text": "The lawn is large enough. Call us."}), 201)
            .await?;
        let human = self
            .wait_for(&guest, |answer| answer["author"] == "human")
            .await?;
        check(
            human["text"] == "The lawn is large enough. Call us.",
            "the guest reads the person's answer",
        )?;
        let asked = self
            .say(&guest, "How much is the Garden menu per person?", None)
            .await?;
        tokio::time::sleep(SILENCE).await;
        let answers = self.answers(&guest).await?;
        check(
            !answers.iter().any(|answer| answer["answers"] == asked.as_str()),
            "the AI is silent",
        )?;
        self.step("  a person answered, and the AI is silent from then on");
        Ok(())
    }

    async fn three_quick_messages_get_one_answer(&self) -> Result<(), String> {
        self.step("A guest writes three times in a row");
        let guest = self.guest().await?;
        self.say(&guest, "Hello!", None).await?;
        self.say(&guest, "We are getting married.", None).await?;
        let last = self.say(&guest, "When is the deposit due?", None).await?;
        self.answer_to(&guest, &last).await?;
        tokio::time::sleep(SILENCE).await;
        let count = self.answers(&guest).await?.len();
        check(count == 1, &format!("there is one answer, not {count}"))?;
        self.step("  one answer");
        Ok(())
    }

    async fn the_same_message_twice_is_one(&self) -> Result<(), String> {
        self.step("A guest's browser posts the same message twice");
        let guest = self.guest().await?;
        let first = self
            .say(&guest, "Do you have vegan dishes?", Some("retry-1"))
            .await?;
        let again = self
            .say(&guest, "Do you have vegan dishes?", Some("retry-1"))
            .await?;
        check(first == again, "both posts got the same id")?;
        self.answer_to(&guest, &first).await?;
        let conversation = self.conversation_of(&first).await?;
        let id = text_of(&conversation, "id")?;
        let messages = self.api(&format!("/v1/conversations/{id}/messages")).await?;
        let inbound = list(&messages)
            .iter()
            .filter(|message| message["direction"] == "inbound")
            .count();
        check(inbound == 1, &format!("it is stored once, not {inbound} times"))?;
        self.step("  stored once");
        Ok(())
    }

    async fn nothing_personal_lies_in_the_open(&self) -> Result<(), String> {
        self.step("Everything stored is searched for what the guests wrote");
        let dump = self.text(self.client.get(self.url("/_local/dump"))).await?.1;
        for planted in [
            "pilot@example.com",
            "helicopter",
            "vegan dishes",
            "Lake menu",
            "lawn is large",
        ] {
            check(
                !dump.contains(planted),
                &format!("no stored byte holds \"{planted}\" in the open"),
            )?;
        }
        check(
            dump.contains("\"message\""),
            "the search did look at stored messages",
        )?;
        self.step("  found nowhere");
        Ok(())
    }

    async fn a_lead_is_exported_and_then_forgotten(&self) -> Result<(), String> {
        self.step("The owner exports the lead, fetches the file, and deletes the lead");
        let leads = self.api("/v1/leads").await?;
        let lead = list(&leads)
            .iter()
            .find(|lead| lead["contacts"][0]["email"] == "pilot@example.com");
        let lead = text_of(lead.ok_or("the lead is gone")?, "id")?.to_owned();
        let asked = self
            .post(
                "/v1/exports",
                &json!({"kind": "lead_archive", "lead_id": lead}),
                202,
            )
            .await?;
        let path = format!("/v1/exports/{}", text_of(&asked, "id")?);
        let done = self.until(&path, |export| export["state"] == "complete").await?;
        let link = text_of(&done, "download_url")?.to_owned();
        let file = self.download(&link).await?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &file);
        check(
            done["size"] == file.len(),
            "the file has the size that was stated",
        )?;
        check(done["sha256"] == hex::encode(digest), "and the checksum")?;
        self.step(&format!(
            "  {} bytes, as stated, with the right checksum",
            file.len()
        ));

        let gone = self.text(
            self.client
                .delete(self.url(&format!("/v1/leads/{lead}")))
                .bearer_auth(&self.demo.api_key),
        );
        check(gone.await?.0 == 200, "the lead is deleted")?;
        let read = self.text(
            self.client
                .get(self.url(&format!("/v1/leads/{lead}")))
                .bearer_auth(&self.demo.api_key),
        );
        check(read.await?.0 == 404, "the lead cannot be read any more")?;
        check(
            self.text(self.client.get(&link)).await?.0 == 410,
            "nor can its export be fetched",
        )?;
        let removed = async {
            loop {
                let dump = self.text(self.client.get(self.url("/_local/dump"))).await?.1;
                if !dump.contains(&format!("#l#{lead}")) {
                    return Ok::<(), String>(());
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(PATIENCE, removed)
            .await
            .map_err(|_| "the rows were not removed".to_owned())??;
        self.step("  gone at once, with its export, and its rows soon after");
        Ok(())
    }

    async fn after_twelve_months_a_web_sites_chat_is_gone(&self) -> Result<(), String> {
        self.step("Another tenant, a web site, keeps its chats for twelve months; they pass");
        let demo = &crate::seed::tenant(self.stack, "A web site", Preset::Website).await?;
        let site = Play {
            stack: self.stack,
            demo,
            client: self.client.clone(),
        };
        let guest = site.guest().await?;
        let asked = site.say(&guest, "Is anybody there?", None).await?;
        site.answer_to(&guest, &asked).await?;
        check(
            !list(&site.api("/v1/conversations").await?).is_empty(),
            "the conversation is there",
        )?;
        let advance = self
            .client
            .post(self.url("/_local/clock"))
            .json(&json!({"advance": "366d"}));
        check(self.text(advance).await?.0 == 200, "the clock moves")?;
        check(
            list(&site.api("/v1/conversations").await?).is_empty(),
            "it is hidden at once",
        )?;
        let sweep = self.client.post(self.url("/_local/schedule/sweep"));
        check(self.text(sweep).await?.0 == 200, "the sweep runs")?;
        let nothing_left = |report: &Value| report["categories"][0]["oldest_at"].is_null();
        site.until("/v1/retention/report", nothing_left).await?;
        self.step("  hidden at once, swept, and the meter finds nothing");
        Ok(())
    }

    /// Reads a resource until it is as wanted.
    async fn until(&self, path: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value, String> {
        let waiting = async {
            loop {
                let found = self.api(path).await?;
                if is_it(&found) {
                    return Ok(found);
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .map_err(|_| format!("{path} never was as it should be"))?
    }

    /// Follows a download link as a browser does.
    async fn download(&self, link: &str) -> Result<Vec<u8>, String> {
        let redirect = self
            .client
            .get(link)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let location = redirect
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok());
        let location = location.ok_or("the link leads nowhere")?;
        let file = self
            .client
            .get(location)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        check(file.status().is_success(), "the signed URL gives the file")?;
        Ok(file.bytes().await.map_err(|error| error.to_string())?.to_vec())
    }

    fn step(&self, line: &str) {
        self.stack.console().say(line);
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stack.base_url())
    }

    fn chat(&self, path: &str) -> String {
        self.url(&format!("/chat/{}/{path}", self.demo.channel_key))
    }

    /// A fresh guest: the token of a new session.
    async fn guest(&self) -> Result<String, String> {
        let (status, text) = self.text(self.client.post(self.chat("sessions"))).await?;
        let session = parse(status, &text, 201)?;
        text_of(&session, "token").map(str::to_owned)
    }

    /// Posts a message and gives its id.
    async fn say(&self, guest: &str, text: &str, id: Option<&str>) -> Result<String, String> {
        let mut body = json!({"text": text});
        if let Some(id) = id {
            body["client_message_id"] = json!(id);
        }
        let request = self
            .client
            .post(self.chat("messages"))
            .bearer_auth(guest)
            .json(&body);
        let (status, text) = self.text(request).await?;
        text_of(&parse(status, &text, 202)?, "id").map(str::to_owned)
    }

    async fn answers(&self, guest: &str) -> Result<Vec<Value>, String> {
        let (status, text) = self
            .text(self.client.get(self.chat("messages")).bearer_auth(guest))
            .await?;
        Ok(list(&parse(status, &text, 200)?).clone())
    }

    async fn answer_to(&self, guest: &str, message: &str) -> Result<Value, String> {
        self.wait_for(guest, |answer| answer["answers"] == message).await
    }

    async fn wait_for(&self, guest: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value, String> {
        let waiting = async {
            loop {
                if let Some(found) = self.answers(guest).await?.into_iter().find(&is_it) {
                    return Ok(found);
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .map_err(|_| "no answer came".to_owned())?
    }

    /// The conversation that holds a message.
    async fn conversation_of(&self, message: &str) -> Result<Value, String> {
        let conversations = self.api("/v1/conversations?limit=100").await?;
        for conversation in list(&conversations) {
            let id = text_of(conversation, "id")?;
            let messages = self
                .api(&format!("/v1/conversations/{id}/messages?limit=100"))
                .await?;
            if list(&messages).iter().any(|found| found["id"] == message) {
                return Ok(conversation.clone());
            }
        }
        Err("no conversation holds the message".to_owned())
    }

    async fn trace_of(&self, message: &str) -> Result<Value, String> {
        let conversation = self.conversation_of(message).await?;
        let id = text_of(&conversation, "id")?;
        let traces = self.api(&format!("/v1/conversations/{id}/traces")).await?;
        let found = list(&traces).iter().find(|trace| trace["message_id"] == message);
        found
            .cloned()
            .ok_or_else(|| "the message has no trace".to_owned())
    }

    async fn api(&self, path: &str) -> Result<Value, String> {
        let request = self.client.get(self.url(path)).bearer_auth(&self.demo.api_key);
        let (status, text) = self.text(request).await?;
        parse(status, &text, 200)
    }

    async fn post(&self, path: &str, body: &Value, expected: u16) -> Result<Value, String> {
        let request = self
            .client
            .post(self.url(path))
            .bearer_auth(&self.demo.api_key)
            .json(body);
        let (status, text) = self.text(request).await?;
        parse(status, &text, expected)
    }

    async fn text(&self, request: reqwest::RequestBuilder) -> Result<(u16, String), String> {
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        Ok((status, response.text().await.map_err(|error| error.to_string())?))
    }
}

fn check(holds: bool, what: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("not so: {what}"))
    }
}

fn parse(status: u16, text: &str, expected: u16) -> Result<Value, String> {
    if status != expected {
        return Err(format!("expected {expected}, got {status}: {text}"));
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn text_of<'a>(value: &'a Value, field: &str) -> Result<&'a str, String> {
    value
        .get(field)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("no {field} in {value}"))
}

fn list(value: &Value) -> &Vec<Value> {
    static EMPTY: Vec<Value> = Vec::new();
    value.get("data").and_then(Value::as_array).unwrap_or(&EMPTY)
}
