//! What the demo does to the stack: speaks as a guest, as the owner, and as the person at the machine.
#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value read by name gives null, never a panic"
)]

use std::time::Duration;

use serde_json::{Value, json};

use crate::seed::Demo;
use crate::stack::Stack;

/// An answer has to be there after this long; the reply queue alone waits two seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
pub(super) const POLL: Duration = Duration::from_millis(150);

/// One tenant's part of the demo.
pub(super) struct Play<'a> {
    pub(super) stack: &'a Stack,
    pub(super) demo: &'a Demo,
    pub(super) client: reqwest::Client,
}

impl Play<'_> {
    /// Reads a resource until it is as wanted.
    pub(super) async fn until(&self, path: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value, String> {
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
    pub(super) async fn download(&self, link: &str) -> Result<Vec<u8>, String> {
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

    pub(super) fn step(&self, line: &str) {
        self.stack.console().say(line);
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stack.base_url())
    }

    pub(super) fn chat(&self, path: &str) -> String {
        self.url(&format!("/chat/{}/{path}", self.demo.channel_key))
    }

    /// A fresh guest: the token of a new session.
    pub(super) async fn guest(&self) -> Result<String, String> {
        let (status, text) = self.text(self.client.post(self.chat("sessions"))).await?;
        let session = parse(status, &text, 201)?;
        text_of(&session, "token").map(str::to_owned)
    }

    /// Posts a message and gives its id.
    pub(super) async fn say(&self, guest: &str, text: &str, id: Option<&str>) -> Result<String, String> {
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

    pub(super) async fn answers(&self, guest: &str) -> Result<Vec<Value>, String> {
        let (status, text) = self
            .text(self.client.get(self.chat("messages")).bearer_auth(guest))
            .await?;
        Ok(list(&parse(status, &text, 200)?).clone())
    }

    pub(super) async fn answer_to(&self, guest: &str, message: &str) -> Result<Value, String> {
        self.wait_for(guest, |answer| answer["answers"] == message).await
    }

    pub(super) async fn wait_for(
        &self,
        guest: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
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
    pub(super) async fn conversation_of(&self, message: &str) -> Result<Value, String> {
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

    pub(super) async fn trace_of(&self, message: &str) -> Result<Value, String> {
        let conversation = self.conversation_of(message).await?;
        let id = text_of(&conversation, "id")?;
        let traces = self.api(&format!("/v1/conversations/{id}/traces")).await?;
        let found = list(&traces).iter().find(|trace| trace["message_id"] == message);
        found
            .cloned()
            .ok_or_else(|| "the message has no trace".to_owned())
    }

    pub(super) async fn api(&self, path: &str) -> Result<Value, String> {
        let request = self.client.get(self.url(path)).bearer_auth(&self.demo.api_key);
        let (status, text) = self.text(request).await?;
        parse(status, &text, 200)
    }

    pub(super) async fn post(&self, path: &str, body: &Value, expected: u16) -> Result<Value, String> {
        let request = self
            .client
            .post(self.url(path))
            .bearer_auth(&self.demo.api_key)
            .json(body);
        let (status, text) = self.text(request).await?;
        parse(status, &text, expected)
    }

    pub(super) async fn text(&self, request: reqwest::RequestBuilder) -> Result<(u16, String), String> {
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        Ok((status, response.text().await.map_err(|error| error.to_string())?))
    }
}

pub(super) fn check(holds: bool, what: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("not so: {what}"))
    }
}

pub(super) fn parse(status: u16, text: &str, expected: u16) -> Result<Value, String> {
    if status != expected {
        return Err(format!("expected {expected}, got {status}: {text}"));
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

pub(super) fn text_of<'a>(value: &'a Value, field: &str) -> Result<&'a str, String> {
    value
        .get(field)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("no {field} in {value}"))
}

pub(super) fn list(value: &Value) -> &Vec<Value> {
    static EMPTY: Vec<Value> = Vec::new();
    value.get("data").and_then(Value::as_array).unwrap_or(&EMPTY)
}
