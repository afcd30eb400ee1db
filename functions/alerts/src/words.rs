//! What an alert says: the business, the channel's kind, how long somebody waits, and where to look. Nothing of the
//! person and nothing of what they wrote.

use std::time::Duration;

use usher_shared::channel::ChannelKind;

/// An alert.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Alert {
    /// For means that have a subject.
    pub(crate) subject: String,
    /// The text.
    pub(crate) text: String,
}

impl std::fmt::Debug for Alert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Alert(..)")
    }
}

/// That somebody waits.
pub(crate) fn waits(business: &str, kind: Option<ChannelKind>, waited: Duration, link: &str) -> Alert {
    let channel = kind.map_or("a channel that was disconnected", of_kind);
    Alert {
        subject: format!("{business}: somebody waits for a person"),
        text: format!(
            "{business}: somebody waits for a person.\n\nChannel: {channel}\nWaiting: {}\n\n{link}",
            duration(waited)
        ),
    }
}

/// That this is how alerts arrive.
pub(crate) fn test(business: &str) -> Alert {
    Alert {
        subject: format!("{business}: a test alert"),
        text: format!("{business}: this is a test. When somebody waits for a person, you are told here."),
    }
}

fn of_kind(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::WebChat => "web chat",
        ChannelKind::Form => "form",
        ChannelKind::Email => "mail",
        ChannelKind::Sms => "text message",
        ChannelKind::Voice => "phone",
        ChannelKind::Messenger => "Messenger",
        ChannelKind::Instagram => "Instagram",
        ChannelKind::Whatsapp => "WhatsApp",
    }
}

fn duration(waited: Duration) -> String {
    let minutes = waited.as_secs() / 60;
    let counted = |count: u64, unit: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{plural}")
    };
    match minutes {
        0 => "less than a minute".to_owned(),
        1..=119 => counted(minutes, "minute"),
        120..=2_879 => counted(minutes / 60, "hour"),
        _ => counted(minutes / 1_440, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_says_where_how_long_and_where_to_look() {
        let alert = waits(
            "Weinhof",
            Some(ChannelKind::Sms),
            Duration::from_secs(61),
            "https://desk.example/conversations/conv_1",
        );
        assert_eq!(alert.subject, "Weinhof: somebody waits for a person");
        assert_eq!(
            alert.text,
            "Weinhof: somebody waits for a person.\n\nChannel: text message\nWaiting: 1 minute\n\n\
             https://desk.example/conversations/conv_1"
        );
    }

    #[test]
    fn waits_are_told_in_the_unit_that_people_would_use() {
        for (seconds, expected) in [
            (0, "less than a minute"),
            (59, "less than a minute"),
            (60, "1 minute"),
            (119 * 60, "119 minutes"),
            (2 * 3_600, "2 hours"),
            (47 * 3_600, "47 hours"),
            (48 * 3_600, "2 days"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), expected);
        }
    }
}
