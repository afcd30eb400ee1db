//! What a person says about being written to: the words that end text messages, resume them or ask who is writing, and
//! plain sentences that end them.
//!
//! Looked at before anything else sees a text message: no model, no business. The register of words is the one that
//! carriers in the United States handle (promise CON-02); a plain "stop texting me" revokes just as well there ("any
//! reasonable means"). A word counts only as the whole message. Sentences are recognised narrowly: who is wrongly taken
//! to have said stop gets no answer about their wedding.

use crate::phrases::Words;

/// What a text message says about text messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// No more of them.
    Stop {
        /// Whether it was a word of the register (or the carrier said so), which carriers answer by themselves; a
        /// sentence is answered by nobody.
        keyword: bool,
    },
    /// They may come again.
    Resume,
    /// Who is it, and how is it ended.
    Help,
}

/// What the carrier says that a message was: Twilio's `OptOutType`. It knows the words that its account was set up
/// with, which can be others than the register's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It ends messages; the carrier has confirmed it.
    Stop,
    /// It resumes them; the carrier has confirmed it.
    Start,
    /// It asks for help; the carrier has answered.
    Help,
}

const STOP: [&str; 8] = [
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "REVOKE",
    "OPTOUT",
];
const START: [&str; 2] = ["START", "UNSTOP"];
const HELP: [&str; 2] = ["HELP", "INFO"];

/// Reads the wish in a text message. `suppressed`: whether messages to this person have ended; only then does a bare
/// "yes" resume them, which is otherwise an answer to a question.
pub fn wish(text: &str, told: Option<Told>, suppressed: bool) -> Option<Wish> {
    match told {
        Some(Told::Stop) => return Some(Wish::Stop { keyword: true }),
        Some(Told::Start) => return Some(Wish::Resume),
        Some(Told::Help) => return Some(Wish::Help),
        None => {}
    }
    let word = bare(text).to_uppercase();
    let is_in = |list: &[&str]| list.contains(&word.as_str());
    if is_in(&STOP) {
        return Some(Wish::Stop { keyword: true });
    }
    if is_in(&START) || (suppressed && word == "YES") {
        return Some(Wish::Resume);
    }
    if is_in(&HELP) {
        return Some(Wish::Help);
    }
    revokes(text).then_some(Wish::Stop { keyword: false })
}

/// A message without what stands around its words: spaces, quotes, final stops.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| {
        !c.is_alphanumeric() && !matches!(c, '+' | '#' | '*') || matches!(c, '\u{feff}' | '\u{200b}')
    })
}

/// Says the opposite, asks, tells of something past or sets a condition, if it stands before a revocation.
const NOT_A_REVOCATION: &str = "dont not cant cannot didnt wont never did does why when if until unless before after \
    could nicht nie warum wenn falls no nunca cuando si pourquoi quand perche quando niet waarom als";

/// Sentences that end messages.
const SENTENCES: &[&str] = &[
    // English.
    "stop|quit|cease texting|messaging|contacting|spamming|bothering|harassing|smsing me|us|this",
    "stop|quit|cease sending ?me|us *these|those|this|any|more|the|your|all|annoying|so|many|of text|texts|message|messages|sms|msgs|spam",
    "stop|quit|cease sending me|us $",
    "stop|quit|cease ?all *the|these|those|your|this|further|future texts|sms|messages|messaging|texting|spam ?to ?me ?please|now|immediately|thanks $",
    "dont|never text|sms|message|contact me|us ?ever ?again|anymore|any|please|ever ?more|longer ?please|thanks $",
    "do not text|sms|message|contact me|us ?ever ?again|anymore|any|please|ever ?more|longer ?please|thanks $",
    "never ever text|sms|message|contact me|us ?ever ?again|anymore|any|please|ever ?more|longer ?please|thanks $",
    "dont|never send me|us *any|more|these|your|further|other texts|sms|messages|text ?messages ?again|anymore|please|ever|from $",
    "do not send me|us *any|more|these|your|further|other texts|sms|messages|text ?messages ?again|anymore|please|ever|from $",
    "never ever send me|us *any|more|these|your|further|other texts|sms|messages|text ?messages ?again|anymore|please|ever|from $",
    "no more|further text|texts|sms|messages|msgs ?messages ?please|thanks|from|to ?you|me ?please $",
    "dont want|wish *any|more|to|receive|get|be|these|your|further texts|sms|messages|texted|messaged|contacted ?messages ?from|anymore|any|please ?you|more ?anymore $",
    "do not want|wish *any|more|to|receive|get|be|these|your|further texts|sms|messages|texted|messaged|contacted ?messages ?from|anymore|any|please ?you|more ?anymore $",
    "no longer want|wish *any|more|to|receive|get|be|these|your|further texts|sms|messages|texted|messaged|contacted ?messages ?from|anymore|any|please ?you|more ?anymore $",
    "take|remove|delete|drop me|us|my ?phone|mobile ?number|cell off|from ?of your ?text|texting|sms|messaging|message|marketing|contact|mailing|phone ?message list|lists",
    "take|remove|delete|drop me|us|my ?phone|mobile ?number|cell off|from ?of the|this text|texting|sms|messaging|message|marketing|mailing ?message list|lists",
    "opt me|us ?the out",
    "^ ?please opt out ?please|thanks $",
    "i|id|wish|want like|want|wish|to ?to opt out $",
    "opt|opting out of *your|these|the|this|all|any|further|future texts|sms|messages|text|messaging ?messages",
    "unsubscribe me|us",
    "^ ?please|just unsubscribe ?please|now|thanks $",
    "^ ?please|just stop ?it|all|this|please|now ?please|now $",
    "lose my number",
    "^ ?please leave me|us alone ?please|now $",
    // German.
    "keine ?weiteren|weitere sms|nachrichten|textnachrichten|mitteilungen ?bitte|an ?mich mehr",
    "keine weiteren|weitere sms|nachrichten|textnachrichten|mitteilungen ?bitte|an ?mich|mehr $",
    "hor|horen|hort ?endlich ?sie ?bitte auf ?, mir ?standig ?sms|nachrichten|textnachrichten zu schreiben|schicken|senden",
    "schreiben|schreib|schreibt|schicken|schick|schickt|senden|sende|sendet ?sie|du ?bitte mir|uns ?bitte nicht|nichts|keine ?sms|nachrichten|textnachrichten mehr",
    "will|mochte|wunsche ?ich keine ?weiteren sms|nachrichten|textnachrichten ?mehr ?von|mehr ?ihnen|euch ?mehr ?bekommen|erhalten|empfangen $",
    "^ ?bitte abmelden|abbestellen ?bitte $",
    "nehmen|streichen|loschen sie ?bitte mich|meine ?nummer aus|von ihrer|ihrem|dem sms|verteiler ?verteiler|liste",
    // Spanish.
    "deje|deja|dejen|dejad|pare|paren|para de ?una ?vez enviarme|mandarme|escribirme|contactarme|textearme",
    "deje|deja|dejen|dejad|pare|paren de enviar|mandar ?me ?mas mensajes|sms|textos",
    "no me envie|envien|envies|mande|manden|mandes ?mas ?mas mensajes|sms|textos ?mas",
    "no me escriba|escriban|escribas|contacte|contacten|contactes mas",
    "no quiero|deseo ?recibir mas mensajes|sms|textos",
    "basta de mensajes|sms|textos",
    "no mas mensajes|sms|textos ?por ?favor $",
    "^ alto|baja|parar ?por ?favor $",
    // French.
    "arretez|arrete|cessez de menvoyer|mecrire|mecrire|me|menvoyez ?contacter|harceler|texter|des|ces|vos ?messages|sms|textos",
    "arretez|arrete|cessez denvoyer des|ces|vos|les messages|sms|textos",
    "ne menvoyez|menvoie|mecrivez|mecris|me ?contactez ?pas plus",
    "ne veux|souhaite|desire plus recevoir|de ?vos|des|de|ces ?messages|sms|textos",
    "^ ?stop plus de messages|sms|textos ?svp|merci|sil ?vous ?plait $",
    "^ arret|desabonner|desinscription|desabonnez $",
    "desabonnez|desinscrivez moi",
    // Italian.
    "smettete|smetta|smetti|basta di mandarmi|inviarmi|scrivermi|contattarmi|mandare|inviare ?messaggi|sms",
    "non mandatemi|inviatemi|scrivetemi|scrivermi|mandarmi|inviarmi|contattatemi|contattarmi piu",
    "non mi mandi|mandate|invii|inviate|scriva|scrivete|contatti|contattate piu",
    "non voglio|desidero piu ricevere ?vostri|i|altri ?vostri messaggi|sms",
    "non voglio|desidero ricevere piu ?vostri messaggi|sms",
    "^ basta messaggi|sms",
    // Portuguese.
    "pare|parem|para de me enviar|mandar|escrever|contactar|contatar",
    "pare|parem|para de enviar|mandar ?me mensagens|sms",
    "nao me envie|enviem|envies|mande|mandem|mandes|escreva|escrevam|contacte|contate mais ?mensagens|sms",
    "nao me envie|enviem|mande|mandem mensagens|sms",
    "nao quero|desejo ?receber mais ?receber mensagens|sms",
    "chega de mensagens|sms",
    // Dutch.
    "stop met sms|sms'en|smsen|berichten|mij|me ?te ?berichten|sms ?te ?sturen|smsen|appen|sturen",
    "stuur|stuurt ?u me|mij|ons geen ?sms|berichten|smsjes ?meer",
    "geen sms|smsjes|berichten meer",
    "^ ?graag afmelden|uitschrijven ?aub|graag $",
];

/// Whether a text asks, in a sentence, for no more messages.
fn revokes(text: &str) -> bool {
    let words = Words::of(text);
    SENTENCES.iter().any(|sentence| {
        words
            .all(sentence)
            .any(|at| !words.has_before(at, 3, NOT_A_REVOCATION))
    })
}

#[cfg(test)]
mod tests;
