//! Splitting what a person wrote from what their program quoted below it, in plain text.
//!
//! Where the marks are not clear, nothing is split off: a quote that is read as text is a nuisance, a text that is read
//! as a quote is lost on whoever answers.

use super::html::Seen;

/// How lines end that introduce a quote: "On Monday, Ana wrote:". In small letters.
const INTRODUCTIONS: [&str; 24] = [
    "wrote:",
    "wrote :",
    "writes:",
    "escribió:",
    "escribio:",
    "escribió lo siguiente:",
    "a écrit :",
    "a écrit:",
    "a écrit\u{a0}:",
    "schrieb:",
    "geschrieben:",
    "ha scritto:",
    "escreveu:",
    "va escriure:",
    "schreef:",
    "skrev:",
    "kirjoitti:",
    "napisał(a):",
    "napisał:",
    "napisała:",
    "написал:",
    "пишет:",
    "写道：",
    "写道:",
];
/// The same where the verb comes before the name: "Am Montag schrieb Ana:". In small letters.
const VERBS_INSIDE: [&str; 6] = [
    " schrieb ",
    " schreef ",
    " skrev ",
    " wrote ",
    " escribió ",
    " a écrit ",
];
/// Headings above what Outlook and its kin quote. In small letters, without dashes.
const HEADINGS: [&str; 16] = [
    "original message",
    "ursprüngliche nachricht",
    "originalnachricht",
    "mensaje original",
    "message d'origine",
    "message d’origine",
    "messaggio originale",
    "mensagem original",
    "oorspronkelijk bericht",
    "ursprungligt meddelande",
    "original meddelelse",
    "reply message",
    "missatge original",
    "wiadomość oryginalna",
    "исходное сообщение",
    "original appointment",
];
/// First words of the lines in which Outlook repeats a head: from, sent, subject. In small letters.
const FROM: [&str; 9] = ["from", "von", "de", "da", "van", "från", "fra", "od", "от"];
const SENT: [&str; 20] = [
    "sent",
    "date",
    "gesendet",
    "datum",
    "enviado",
    "enviado el",
    "fecha",
    "envoyé",
    "inviato",
    "data",
    "verzonden",
    "skickat",
    "sendt",
    "wysłano",
    "отправлено",
    "enviada em",
    "enviat",
    "dato",
    "lähetetty",
    "enviada",
];
const SUBJECT: [&str; 10] = [
    "subject",
    "betreff",
    "asunto",
    "objet",
    "oggetto",
    "assunto",
    "onderwerp",
    "ämne",
    "emne",
    "temat",
];

/// Splits a text.
pub(super) fn split(text: &str) -> Seen {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        let line = line.trim_end_matches(['\r', ' ', '\t']);
        // Of empty lines one says as much as a million, which would take room.
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    let mut own: Vec<&str> = Vec::new();
    let mut quoted: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let rest = lines.get(at..).unwrap_or_default();
        if starts_history(rest) {
            quoted.extend(rest);
            break;
        }
        if let Some(length) = introduction(rest) {
            let (introduction, after) = rest.split_at(length);
            quoted.extend(introduction);
            at += length;
            if !marks_quotes(after) {
                // The program does not mark what it quotes: all that follows is.
                quoted.extend(after);
                break;
            }
            continue;
        }
        if line.trim_start().starts_with('>') {
            quoted.push(line);
        } else {
            own.push(line);
        }
        at += 1;
    }
    Seen {
        text: trimmed(&own),
        quoted: trimmed(&quoted),
    }
}

/// Whether all that follows is the mail before, under a heading or a repeated head.
fn starts_history(lines: &[&str]) -> bool {
    let Some(first) = lines.first() else {
        return false;
    };
    let first = first.trim();
    // Before anything is looked for below: of a million empty lines each would look at all that follow.
    if first.is_empty() {
        return false;
    }
    let inside = first.trim_matches(['-', '_', ' ', '*']).to_lowercase();
    if first.starts_with("--") && HEADINGS.contains(&inside.as_str()) {
        return true;
    }
    let rule = first.len() >= 10 && first.chars().all(|c| c == '_');
    let head: Vec<&str> = lines
        .iter()
        .skip(usize::from(rule))
        .filter(|line| !line.trim().is_empty())
        .take(8)
        .copied()
        .collect();
    let begins = head.first().is_some_and(|line| is_field(line, &FROM));
    begins
        && head.iter().skip(1).take(3).any(|line| is_field(line, &SENT))
        && head.iter().skip(2).any(|line| is_field(line, &SUBJECT))
}

fn is_field(line: &str, names: &[&str]) -> bool {
    line.trim()
        .trim_start_matches('*')
        .split_once(':')
        .is_some_and(|(name, _)| names.contains(&name.trim_end_matches('*').trim().to_lowercase().as_str()))
}

/// The number of lines that introduce a quote, if these do. Programs break the sentence where it gets long.
fn introduction(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?.trim();
    if first.is_empty() || first.starts_with('>') {
        return None;
    }
    let mut sentence = String::new();
    for (count, line) in lines.iter().take(4).enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('>') {
            return None;
        }
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(&line.to_lowercase());
        if sentence.len() > 400 {
            return None;
        }
        if introduces(&sentence) {
            return Some(count + 1);
        }
    }
    None
}

/// A sentence introduces a quote if it ends as such do and says when or who: a date, or an address. "As I wrote:" does
/// not.
fn introduces(sentence: &str) -> bool {
    let ends = INTRODUCTIONS.iter().any(|end| sentence.ends_with(end))
        || (sentence.ends_with(':') && VERBS_INSIDE.iter().any(|verb| sentence.contains(verb)));
    let numbers = sentence.chars().filter(char::is_ascii_digit).count();
    ends && (sentence.contains('@') || numbers >= 3)
}

/// Whether what follows marks its quote: the first line that says anything begins with the sign.
fn marks_quotes(lines: &[&str]) -> bool {
    lines
        .iter()
        .map(|line| line.trim_start())
        .find(|line| !line.is_empty())
        .is_some_and(|line| line.starts_with('>'))
}

fn trimmed(lines: &[&str]) -> String {
    let mut out = String::new();
    let mut empty = 0;
    for line in lines {
        if line.trim().is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests;
