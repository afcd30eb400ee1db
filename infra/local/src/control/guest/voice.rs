//! A guest who calls, hears what the machine says, and says something after the tone.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Message;
use crate::stack::Shared;
use crate::world::twilio::{ACCOUNT, File, post_signed, sid};

/// Calls a channel's number and does what it is told: records, and posts what Twilio posts of the recording.
pub(super) async fn call(shared: &Arc<Shared>, message: &Message) -> Result<Value, String> {
    let account = message.account.as_deref().unwrap_or(ACCOUNT);
    let token = shared.world.twilio.token(account);
    let seed = message.client_message_id.as_deref();
    let of = |kind: &str| sid(kind, seed.map(|seed| format!("{kind}{seed}")).as_deref());
    let (call, recording, transcription) = (of("CA"), of("RE"), of("TR"));
    let base = |status| {
        [
            ("CallSid", call.as_str()),
            ("AccountSid", account),
            ("From", message.from.as_str()),
            ("To", super::NUMBER),
            ("CallStatus", status),
            ("ApiVersion", "2010-04-01"),
            ("Direction", "inbound"),
        ]
    };
    let url = format!("{}/hooks/twilio/{}", shared.base_url, message.channel);
    let (status, twiml) = post_signed(&token, &url, &base("ringing")).await?;
    let mut answers = vec![status];
    if let Some(action) = attribute(&twiml, "action") {
        let bytes = b"ID3\x04\0\0\0\0\0\0the voice of a guest".to_vec();
        let media_type = "audio/mpeg".to_owned();
        let file = File { media_type, bytes };
        shared.world.twilio.keep(recording.clone(), file);
        let there = format!(
            "{}{}/twilio/2010-04-01/Accounts/{account}/Recordings/{recording}",
            shared.base_url,
            crate::world::PATH
        );
        let recorded = [
            ("RecordingUrl", there.as_str()),
            ("RecordingSid", &recording),
            ("RecordingDuration", "12"),
        ];
        let said = [&base("completed")[..], &recorded, &[("Digits", "hangup")]].concat();
        answers.push(post_signed(&token, &action, &said).await?.0);
        if let Some(callback) = attribute(&twiml, "recordingStatusCallback") {
            let known = [
                ("AccountSid", account),
                ("CallSid", &call),
                ("RecordingStatus", "completed"),
            ];
            let told = [&known[..], &recorded].concat();
            answers.push(post_signed(&token, &callback, &told).await?.0);
        }
        if let Some(callback) = attribute(&twiml, "transcribeCallback") {
            let written = [
                ("TranscriptionSid", transcription.as_str()),
                ("TranscriptionText", &message.text),
                ("TranscriptionStatus", "completed"),
                ("TranscriptionType", "fast"),
            ];
            let told = [&base("completed")[..], &written, &recorded[..2]].concat();
            answers.push(post_signed(&token, &callback, &told).await?.0);
        }
    }
    Ok(json!({
        "status": status, "response": twiml, "answers": answers, "call_sid": call, "recording_sid": recording,
    }))
}

/// An attribute of the first element that has it.
fn attribute(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&amp;", "&"))
}
