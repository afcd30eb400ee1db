#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../tests/vectors/twilio/twilio-",
            $name,
            ".json"
        ))
    };
}

fn fields(sample: &str) -> Fields {
    let sample: serde_json::Value = serde_json::from_str(sample).unwrap();
    let body = sample.get("body").unwrap().as_str().unwrap();
    Fields::decode(body.as_bytes()).unwrap()
}

const CALL: &str = "CA2e7d2c03a9507ae265ecf5b5356885a5";
const RECORDING: &str = "RE454349e422f05297191ead13e21d3db5";

#[test]
fn a_call_that_comes_in_says_nothing_yet() {
    let about = incoming("v_1", &fields(sample!("voice-incoming")));
    assert_eq!((about.call.as_str(), about.recording), (CALL, None));
    assert_eq!(about.event.what, What::Ignored("call_incoming"));
    assert_eq!(about.event.person.unwrap().address, "+14155550142");
}

#[test]
fn a_recording_is_a_message_for_a_person_to_hear() {
    let about = recorded("v_1", &fields(sample!("voice-record-action")));
    assert_eq!(
        (about.call.as_str(), about.recording.as_deref()),
        (CALL, Some(RECORDING))
    );
    assert_eq!(about.event.id, RECORDING);
    let What::Message(said) = about.event.what else {
        panic!("no message");
    };
    assert_eq!(said.text, "[voice message, 23 s]");
    assert!(said.unattended);
}

#[test]
fn a_caller_who_said_nothing_left_no_message() {
    for form in [
        "CallSid=CA1&From=%2B14155550142&RecordingSid=RE1&RecordingDuration=0",
        "CallSid=CA1&From=%2B14155550142",
    ] {
        let about = recorded("v_1", &Fields::decode(form.as_bytes()).unwrap());
        assert_eq!(
            about.event.what,
            What::Ignored("call_without_recording"),
            "{form}"
        );
    }
}

#[test]
fn a_transcript_is_a_message_that_no_machine_answers() {
    let about = transcription("v_1", &fields(sample!("transcription-completed")));
    assert_eq!(
        (about.call.as_str(), about.recording.as_deref()),
        (CALL, Some(RECORDING))
    );
    assert_eq!(about.event.id, "TRe3b98a4da31a127d4bde6e43033f66ba");
    let What::Message(said) = about.event.what else {
        panic!("no message");
    };
    assert_eq!(said.text, "Hi this is Ana, please call me back about the quote.");
    assert!(said.unattended);
    let failed = transcription("v_1", &fields(sample!("transcription-failed")));
    assert_eq!(failed.event.what, What::Ignored("transcription_failed"));
    assert_eq!(failed.recording.as_deref(), Some(RECORDING));
}

#[test]
fn receipts_of_recordings_are_counted() {
    let about = recording("v_1", &fields(sample!("recording-status")));
    assert_eq!(
        (about.call.as_str(), about.recording.as_deref()),
        (CALL, Some(RECORDING))
    );
    assert_eq!(about.event.what, What::Ignored("recording_completed"));
    let new = Fields::decode(b"CallSid=CA1&RecordingStatus=brand-new").unwrap();
    assert_eq!(
        recording("v_1", &new).event.what,
        What::Ignored("recording_unknown")
    );
}

#[test]
fn callers_who_hide_their_number_are_different_people() {
    for from in [
        "%2B266696687",
        "anonymous",
        "Restricted",
        "",
        "sip%3Aana%40example.com",
    ] {
        let form = format!("CallSid=CA9&From={from}&RecordingSid=RE1&RecordingDuration=5");
        let about = recorded("v_1", &Fields::decode(form.as_bytes()).unwrap());
        assert_eq!(about.event.person.unwrap().address, "call:CA9", "{from}");
    }
    let nothing = recorded(
        "v_1",
        &Fields::decode(b"RecordingSid=RE1&RecordingDuration=5").unwrap(),
    );
    assert_eq!(nothing.event.what, What::Ignored("call_without_number"));
}
