//! Whether a caller asked for the link: what was said on the phone, as a transcription wrote it down.
//!
//! A text message is sent for an explicit request and for nothing else (promise CON-01). So this says yes to a request
//! only, not to talk about a link; who is not understood is called back by a person.

use crate::phrases::Words;

/// Tells of somebody else, of something past, of a condition, or says the opposite, if it stands before a request.
const NOT_A_REQUEST: &str = "dont not never no did didnt doesnt wont if when after before until once unless he hed shed \
    she they theyd somebody someone who why thanks already had supposed";

/// Sentences that ask.
const REQUESTS: &[&str] = &[
    "send|text|message|sms|forward|shoot|drop me|us|over <5> link|links",
    "send|text|message|sms|forward|shoot me|us <4> website|web|booking ?site|page address|link",
    "send|text|forward|sms <3> link|links ?over|back to me|us|my|this|the ?cell|mobile|phone|same ?phone|number",
    "^ ?hi|hello ?please send|text <3> link|links ?please|over|through|across ?please $",
    "please|could|can|would|will|to ?you ?please|also|just|kindly send|text|forward|sms the|a|that|your ?booking|reservation|brochure|payment|tour link ?over|please|too|through|by|via ?please|text $",
    "can|could|may i|we ?please|also get|have|receive <4> link|links ?please|texted|sent|by|via|to|for|over|on",
    "id|we|i|wed|would ?would ?like|love <3> link texted|sent|by|via|to",
    "need|want|like you to send|text <4> link",
    "link sent|texted to me|us|my|this",
    // German, Spanish, French, Italian: the few sentences that such a request is made of.
    "schicken|senden|schick|schickt|sende ?sie ?bitte mir|uns ?bitte ?per ?sms <2> link",
    "konnen|konnten|kannst|konntest sie|du|ihr mir|uns ?bitte <2> link ?per|zu ?sms schicken|senden|zuschicken|zusenden",
    "mandeme|envieme|mandame|enviame|mandenme|envienme ?por ?favor <2> enlace|link",
    "puede|podria|puedes|pueden|podrian ?por ?favor mandarme|enviarme ?por ?favor <2> enlace|link",
    "envoyez|envoie moi ?sil ?vous ?plait <2> lien",
    "pouvez|pourriez|peux vous|tu menvoyer <2> lien",
    "mi manda|mandi|invii|invia|mandate|inviate <2> link",
    "puo|potrebbe|potete mandarmi|inviarmi <2> link",
];

/// Whether somebody asked, in these words, that a link be sent to them.
pub fn asks_for_link(transcript: &str) -> bool {
    let words = Words::of(transcript);
    REQUESTS.iter().any(|request| {
        words
            .all(request)
            .any(|at| !words.has_before(at, 3, NOT_A_REQUEST))
    })
}

#[cfg(test)]
mod tests;
