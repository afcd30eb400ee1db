//! Telegram's Bot API, as far as alerts need it: one message to one chat. The bot's token stands in the address of every
//! call, so addresses are shown nowhere.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::call::{Answer, Call, Method};

/// UTF-16 units that one message may have.
const LONGEST: usize = 4_096;

/// Whether a text is the token of a bot: a number, a colon and a secret. Nothing else may stand in an address.
pub fn is_token(text: &str) -> bool {
    let Some((bot, secret)) = text.split_once(':') else {
        return false;
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=20).contains(&bot.len())
        && bot.bytes().all(|byte| byte.is_ascii_digit())
        && (20..=128).contains(&secret.len())
        && secret.bytes().all(plain)
}

/// Whether a text names a chat: a number of at most 52 bits, negative for groups, or `@channel`.
pub fn is_chat(text: &str) -> bool {
    if let Some(name) = text.strip_prefix('@') {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        return (4..=64).contains(&name.len()) && name.bytes().all(plain);
    }
    let number = text.parse::<i64>();
    number.is_ok_and(|number| number != 0 && number.unsigned_abs() < 1 << 52 && number.to_string() == text)
}

/// The call that gives a message to a chat. The text is plain: nothing of it is markup.
pub fn send(base: &str, token: &str, chat: &str, text: &str, silent: bool) -> Call {
    let chat_id = chat.parse::<i64>().map_or_else(|_| json!(chat), |id| json!(id));
    let body = json!({
        "chat_id": chat_id,
        "text": shortened(text),
        "link_preview_options": {"is_disabled": true},
        "disable_notification": silent,
    });
    Call {
        method: Method::Post,
        url: format!("{base}/bot{token}/sendMessage"),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

/// A text within the limit, cut between characters.
fn shortened(text: &str) -> String {
    let mut units = 0;
    let fits = |character: &char| {
        units += character.len_utf16();
        units <= LONGEST
    };
    text.chars().take_while(fits).collect()
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The chat has it.
    Taken,
    /// The group has become another chat, which has this id. Nothing was sent.
    Moved(String),
    /// The bot was blocked, removed or never let in, or there is no such chat.
    Unreachable,
    /// There is no bot with this token.
    TokenRefused,
    /// Not now; nothing was sent.
    NotNow(Option<Duration>),
    /// Refused for good, for another reason.
    Refused,
    /// It may have been taken before it went wrong.
    Unknown,
}

/// What an answer says.
pub fn heard(answer: &Answer) -> Heard {
    #[derive(Default, Deserialize)]
    struct Body {
        #[serde(default)]
        ok: bool,
        #[serde(default)]
        description: String,
        #[serde(default)]
        parameters: Parameters,
    }
    #[derive(Default, Deserialize)]
    struct Parameters {
        retry_after: Option<u64>,
        migrate_to_chat_id: Option<i64>,
    }
    let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
    match answer.status {
        200..=299 if body.ok => Heard::Taken,
        400 => match body.parameters.migrate_to_chat_id {
            Some(chat) => Heard::Moved(chat.to_string()),
            None if body.description.to_ascii_lowercase().contains("chat not found") => Heard::Unreachable,
            None => Heard::Refused,
        },
        // Of an unknown bot as well as of an address that is none.
        401 | 404 => Heard::TokenRefused,
        403 => Heard::Unreachable,
        429 => {
            let after = body.parameters.retry_after.or(answer.retry_after);
            Heard::NotNow(after.map(Duration::from_secs))
        }
        402 | 405..=428 | 430..=499 => Heard::Refused,
        _ => Heard::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "123456789:AAE-secret_secret_secret_secret1234";

    fn answer(status: u16, body: &str) -> Heard {
        heard(&Answer {
            status,
            retry_after: None,
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn every_answer_that_is_documented_is_told_apart() {
        let failed = |code: u16, more: &str| {
            let body = format!(r#"{{"ok":false,"error_code":{code}{more}}}"#);
            answer(code, &body)
        };
        let said = |text: &str| format!(r#","description":"{text}""#);
        assert_eq!(
            answer(200, r#"{"ok":true,"result":{"message_id":7}}"#),
            Heard::Taken
        );
        let moved =
            r#","description":"group chat was upgraded","parameters":{"migrate_to_chat_id":-1001234567890}"#;
        assert_eq!(failed(400, moved), Heard::Moved("-1001234567890".to_owned()));
        assert_eq!(
            failed(400, &said("Bad Request: chat not found")),
            Heard::Unreachable
        );
        assert_eq!(
            failed(400, &said("Bad Request: message is too long")),
            Heard::Refused
        );
        assert_eq!(failed(401, &said("Unauthorized")), Heard::TokenRefused);
        assert_eq!(
            failed(403, &said("Forbidden: bot was blocked by the user")),
            Heard::Unreachable
        );
        assert_eq!(failed(404, &said("Not Found")), Heard::TokenRefused);
        assert_eq!(failed(409, &said("Conflict")), Heard::Refused);
        let wait = r#","parameters":{"retry_after":14}"#;
        assert_eq!(failed(429, wait), Heard::NotNow(Some(Duration::from_secs(14))));
        assert_eq!(failed(429, ""), Heard::NotNow(None));
        assert_eq!(failed(502, ""), Heard::Unknown);
        for garbage in ["", "[", "{}", r#"{"ok":"yes"}"#, "<html>"] {
            assert_eq!(answer(200, garbage), Heard::Unknown, "{garbage}");
        }
    }

    #[test]
    fn a_chat_is_a_number_or_a_name_and_a_token_holds_nothing_that_leads_elsewhere() {
        for chat in ["42", "-42", "-1001234567890", "@venue_team"] {
            assert!(is_chat(chat), "{chat}");
        }
        for chat in [
            "",
            "0",
            "007",
            "+42",
            "4503599627370496",
            "@x",
            "@a b c",
            "venue",
            "1/2",
        ] {
            assert!(!is_chat(chat), "{chat}");
        }
        assert!(is_token(TOKEN));
        for token in [
            "",
            "abc",
            "1:short",
            "x:AAE-secret_secret_secret",
            "1:AAE/../secret_secret_secret",
        ] {
            assert!(!is_token(token), "{token}");
        }
    }

    #[test]
    fn a_message_is_plain_text_within_the_limit_and_its_call_shows_no_token() {
        let call = send(
            "https://api.telegram.org",
            TOKEN,
            "-100200",
            "a <b>\u{1f600}",
            true,
        );
        assert_eq!(
            call.url,
            format!("https://api.telegram.org/bot{TOKEN}/sendMessage")
        );
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
        assert_eq!(
            body,
            json!({"chat_id": -100_200, "text": "a <b>\u{1f600}", "disable_notification": true,
                   "link_preview_options": {"is_disabled": true}})
        );
        assert!(!format!("{call:?}").contains("secret"));
        let long = shortened(&"\u{1f600}".repeat(3_000));
        assert_eq!(long.encode_utf16().count(), LONGEST);
        let named = send("b", TOKEN, "@venue_team", "x", false);
        let body: serde_json::Value = serde_json::from_slice(&named.body).unwrap_or_default();
        assert_eq!(body.get("chat_id"), Some(&json!("@venue_team")));
    }
}
