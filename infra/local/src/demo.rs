//! The demo, played unattended: each step says what it did and is checked.
#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value read by name gives null, never a panic"
)]

mod archive;
mod play;
mod restore;

use std::time::Duration;

use serde_json::{Value, json};

use usher_shared::category::Preset;

use self::play::{PATIENCE, POLL, Play, check, list, text_of};
use crate::seed::Demo;
use crate::stack::Stack;

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
        archive::check_sum(&file, &done)?;
        self.step(&format!(
            "  {} bytes, as stated, with the right checksum",
            file.len()
        ));
        let entries = archive::check_entries(&file, &done, &self.api(&format!("/v1/leads/{lead}")).await?)?;
        self.step(&format!(
            "  opened: {}, each with size and checksum as the manifest says",
            entries.join(", ")
        ));
        self.a_table_of_leads_is_exported().await?;

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

    async fn a_table_of_leads_is_exported(&self) -> Result<(), String> {
        let asked = self
            .post("/v1/exports", &json!({"kind": "leads_csv"}), 202)
            .await?;
        let path = format!("/v1/exports/{}", text_of(&asked, "id")?);
        let done = self.until(&path, |export| export["state"] == "complete").await?;
        let file = self.download(text_of(&done, "download_url")?).await?;
        archive::check_sum(&file, &done)?;
        let lines = archive::check_table(&file, &done)?;
        self.step(&format!(
            "  the table of leads has {lines}, as many as were counted"
        ));
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
}
