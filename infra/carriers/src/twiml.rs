//! What Twilio is told to do, as XML.

use usher_shared::channel::ChannelSettings;

/// `Content-Type` of it.
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";
/// Nothing to do: a message was taken, and what there is to say is said by REST.
pub const EMPTY: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;

/// What a caller hears where the tenant set nothing.
const GREETING: &str = "Hello. Nobody can take your call right now. Please leave a message after the tone.";
/// Said after a greeting that forgot it: many laws want it said before anything is recorded.
const ANNOUNCEMENT: &str = "This call is recorded.";
/// Seconds of a recording. Twilio transcribes no longer ones.
const LONGEST_RECORDING: u32 = 120;

/// Answers a call: greets, announces the recording, records and transcribes. `hooks` is the address of the channel's
/// webhooks, without a trailing slash.
pub fn voicemail(settings: &ChannelSettings, hooks: &str) -> String {
    let greeting = settings.greeting.as_deref().unwrap_or(GREETING);
    let mut spoken = escaped(greeting);
    if !announces_recording(greeting) {
        spoken.push(' ');
        spoken.push_str(ANNOUNCEMENT);
    }
    let hooks = escaped(hooks);
    // `action` is always given: without it Twilio asks this same address again, and the caller is greeted for ever.
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response><Say>{spoken}</Say><Record action="{hooks}/recorded" method="POST" maxLength="{LONGEST_RECORDING}" playBeep="true" transcribe="true" transcribeCallback="{hooks}/transcription" recordingStatusCallback="{hooks}/recording" recordingStatusCallbackMethod="POST" recordingStatusCallbackEvent="completed absent"/><Hangup/></Response>"#
    )
}

/// Answers a call that is not taken: says a sentence and ends it. Nothing is recorded.
pub fn closed() -> &'static str {
    r#"<?xml version="1.0" encoding="UTF-8"?><Response><Say>This number takes no calls at the moment. Goodbye.</Say><Hangup/></Response>"#
}

/// Ends a call after its recording.
pub fn goodbye() -> &'static str {
    r#"<?xml version="1.0" encoding="UTF-8"?><Response><Say>Thank you. Goodbye.</Say><Hangup/></Response>"#
}

/// Whether a greeting says that the call is recorded, in one of the languages in which we can tell.
pub fn announces_recording(greeting: &str) -> bool {
    const STEMS: [&str; 14] = [
        "recorded",
        "recording",
        "aufgezeichnet",
        "aufzeichn",
        "aufgenommen",
        "graba",
        "enregistr",
        "registrat",
        "registrazione",
        "registrare",
        "gravad",
        "gravação",
        "opgenomen",
        "opname",
    ];
    let greeting = greeting.to_lowercase();
    STEMS.iter().any(|stem| greeting.contains(stem))
}

/// A text as it may stand in XML, in text and in attributes. Characters that XML forbids are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn with_greeting(greeting: &str) -> String {
        let settings = ChannelSettings {
            greeting: Some(greeting.to_owned()),
            ..ChannelSettings::default()
        };
        voicemail(&settings, "https://h.example/hooks/twilio/k?a=1&b=2")
    }

    #[test]
    fn a_call_is_greeted_told_of_the_recording_and_recorded() {
        let twiml = voicemail(&ChannelSettings::default(), "https://h.example/hooks/twilio/tw_1");
        let said = twiml.find("This call is recorded.").unwrap();
        assert!(said < twiml.find("<Record ").unwrap(), "{twiml}");
        for attribute in [
            r#"action="https://h.example/hooks/twilio/tw_1/recorded""#,
            r#"transcribe="true""#,
            r#"transcribeCallback="https://h.example/hooks/twilio/tw_1/transcription""#,
            r#"recordingStatusCallback="https://h.example/hooks/twilio/tw_1/recording""#,
        ] {
            assert!(twiml.contains(attribute), "{attribute} in {twiml}");
        }
    }

    #[test]
    fn a_greeting_that_announces_the_recording_is_left_as_it_is() {
        assert!(!with_greeting("Welcome! Calls are recorded.").contains(ANNOUNCEMENT));
        assert!(!with_greeting("Hallo, der Anruf wird aufgezeichnet.").contains(ANNOUNCEMENT));
        assert!(with_greeting("Welcome to Lake House.").contains("Lake House. This call is recorded.</Say>"));
    }

    #[test]
    fn nothing_in_a_text_can_end_its_element() {
        let twiml = with_greeting("</Say><Dial>+1</Dial> \"Tom\" & 'Ann'\u{0}\u{1b}");
        assert!(!twiml.contains("<Dial>"), "{twiml}");
        assert!(
            twiml.contains("&lt;/Say&gt;&lt;Dial&gt;+1&lt;/Dial&gt; &quot;Tom&quot; &amp; &apos;Ann&apos; ")
        );
        assert!(twiml.contains("k?a=1&amp;b=2/recorded"));
        assert!(!twiml.contains(['\u{0}', '\u{1b}']));
    }

    #[test]
    fn the_samples_of_twiml_are_what_is_written() {
        assert_eq!(
            EMPTY,
            include_str!("../../../tests/vectors/twilio/twilio-twiml-empty.xml").trim()
        );
        let sample = include_str!("../../../tests/vectors/twilio/twilio-twiml-voicemail.xml");
        let written = voicemail(&ChannelSettings::default(), "https://hooks.example.com");
        // The same elements in the same order, and every attribute of the sample.
        for piece in [
            "<Response><Say>",
            "</Say><Record action=",
            "/><Hangup/></Response>",
        ] {
            assert!(sample.contains(piece) && written.contains(piece), "{piece}");
        }
        for attribute in sample.split(' ').filter_map(|part| part.split_once("=\"")) {
            assert!(written.contains(attribute.0), "{}", attribute.0);
        }
    }
}
