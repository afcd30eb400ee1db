use proptest::prelude::*;

use super::*;

const KEYWORD: Option<Wish> = Some(Wish::Stop { keyword: true });
const SENTENCE: Option<Wish> = Some(Wish::Stop { keyword: false });

#[test]
fn p_con_02_the_registers_words_count_in_any_case_and_dress() {
    for word in [
        "STOP",
        "STOPALL",
        "UNSUBSCRIBE",
        "CANCEL",
        "END",
        "QUIT",
        "REVOKE",
        "OPTOUT",
    ] {
        for text in [
            word.to_owned(),
            word.to_lowercase(),
            format!("  {word}\r\n"),
            format!("{word}."),
            format!("{word}!!!"),
            format!("\"{word}\""),
            format!("\u{feff}{word} \u{200b}"),
            word.split_at(1).0.to_owned() + &word.split_at(1).1.to_lowercase(),
        ] {
            assert_eq!(wish(&text, None, false), KEYWORD, "{text:?}");
        }
    }
    for text in ["START", "start", " Unstop. ", "Start!"] {
        assert_eq!(wish(text, None, false), Some(Wish::Resume), "{text:?}");
        assert_eq!(wish(text, None, true), Some(Wish::Resume), "{text:?}");
    }
    for text in ["HELP", "help?", " Info "] {
        assert_eq!(wish(text, None, false), Some(Wish::Help), "{text:?}");
    }
}

#[test]
fn p_con_02_yes_resumes_only_what_had_ended() {
    assert_eq!(wish("Yes", None, true), Some(Wish::Resume));
    assert_eq!(wish("Yes", None, false), None);
    assert_eq!(wish("Yes please", None, true), None);
}

#[test]
fn p_con_02_what_the_carrier_says_counts_before_the_words() {
    assert_eq!(wish("Adieu", Some(Told::Stop), false), KEYWORD);
    assert_eq!(wish("stop", Some(Told::Start), false), Some(Wish::Resume));
    assert_eq!(wish("hello", Some(Told::Help), true), Some(Wish::Help));
}

#[test]
fn p_con_02_sentences_that_revoke() {
    for text in [
        "Stop texting me",
        "please stop texting me!!",
        "Can you please stop texting me",
        "STOP SENDING ME MESSAGES",
        "please stop sending me messages",
        "Stop sending these texts",
        "stop sending me all these messages",
        "Hi, I already booked elsewhere, stop messaging me please",
        "stop contacting us",
        "quit texting me",
        "Don't text me again",
        "do not text me",
        "Please do not contact me anymore",
        "Don't message me any more",
        "never text me again",
        "Never ever contact me",
        "Please do not message us, thanks",
        "don’t send me any more texts",
        "No more texts please",
        "no more messages",
        "I don't want any more messages",
        "I do not want to receive texts from you",
        "I no longer want to receive messages",
        "take me off your list",
        "Please remove me from your texting list",
        "remove my number from your list",
        "take me off this text list",
        "opt out",
        "Opt-out please",
        "please opt me out",
        "I want to opt out",
        "I'd like to opt out of these messages",
        "Unsubscribe me",
        "please unsubscribe",
        "Please stop",
        "stop please",
        "stop all",
        "stop it",
        "lose my number",
        "Leave me alone!",
        "Stop all messages",
        "stop the texts",
        "Bitte keine Nachrichten mehr",
        "keine weiteren SMS bitte",
        "Hören Sie auf, mir SMS zu schicken",
        "hör auf mir zu schreiben",
        "Schreiben Sie mir nicht mehr",
        "Bitte schicken Sie mir keine Nachrichten mehr",
        "Ich möchte keine SMS mehr",
        "Deje de enviarme mensajes",
        "dejen de escribirme por favor",
        "No me manden más mensajes",
        "no me escriban más",
        "No quiero recibir más mensajes",
        "Alto",
        "Arrêtez de m'envoyer des messages",
        "arrête de m’écrire",
        "Ne m'écrivez plus",
        "Je ne veux plus recevoir de messages",
        "Smettete di mandarmi messaggi",
        "Non scrivetemi più",
        "non voglio più ricevere messaggi",
        "Parem de me enviar mensagens",
        "Não me mande mais mensagens",
        "não quero receber mais mensagens",
        "Stuur me geen berichten meer",
        "geen sms meer aub",
        "stop met berichten sturen",
    ] {
        assert_eq!(wish(text, None, false), SENTENCE, "{text:?}");
    }
}

#[test]
fn p_con_02_ordinary_messages_revoke_nothing() {
    for text in [
        "we stop by at 5",
        "Can we stop by tomorrow to see the lake room?",
        "Is there a bus stop near the venue?",
        "The music has to stop at midnight, right?",
        "When does the bar stop serving?",
        "cancel my booking for Friday",
        "I need to cancel",
        "Please cancel the flowers",
        "What is your cancellation policy?",
        "Can I cancel until the end of the month?",
        "What time does it end?",
        "The end of the aisle needs more light",
        "end of June would be perfect",
        "I quit my job, so the date is flexible",
        "Can the vegetarians opt out of the meat course?",
        "Can we opt out of the dessert?",
        "Is it possible to opt out",
        "please stop by if you are around",
        "Don't stop the music!",
        "don't stop texting me, this is helpful",
        "Why did you stop texting me?",
        "Did you stop sending messages?",
        "You stopped answering",
        "Please don't text me after 9pm, call instead",
        "Don't text me the price, email it",
        "Do not contact the band yet",
        "Don't message my fiancé, it is a surprise",
        "Can you text me the menu?",
        "please send me messages here, not by mail",
        "No more than 80 guests",
        "no more questions, thanks!",
        "Take us off the guest list please",
        "Remove Anna from the list of vegetarians",
        "Remove me from the waiting list for June, we take July",
        "put me on your list",
        "I help with the decoration",
        "help me choose a menu please",
        "Info about parking?",
        "more info please",
        "Start is at 3pm?",
        "When do we start?",
        "Yes",
        "yes please",
        "Non-stop music until 3?",
        "one-stop shop, nice",
        "We will leave the kids alone in the room for an hour",
        "We lost my number plate",
        "I don't want any more wine, but more water",
        "We don't want to receive guests before 4",
        "Wir möchten keine Blumen mehr",
        "Hören wir noch von Ihnen?",
        "Schreiben Sie mir bitte eine Mail",
        "Keine Sorge, wir kommen",
        "haltet bitte am Bus-Stop",
        "¿Para cuántas personas es el salón?",
        "No me mande la factura todavía",
        "No queremos más postre",
        "baja el volumen a las 11?",
        "Arrêt de bus près de la salle ?",
        "Nous ne voulons plus de fleurs",
        "Pouvez-vous m'envoyer des photos ?",
        "Non vogliamo più la torta",
        "Mi mandi un messaggio",
        "Para de chover em junho?",
        "Pode me enviar mais fotos?",
        "Stuur me de menukaart",
        "Geen vis meer graag",
        "unsubscribed tables are free?",
        "Do text me when you know more",
        "please do send me messages about the date",
        "I do want texts about the menu",
        "Stop",
        "👍",
        "",
    ] {
        let wished = wish(text, None, false);
        if text == "Stop" {
            // The counterpart: this table can tell.
            assert_eq!(wished, KEYWORD);
        } else {
            assert_eq!(wished, None, "{text:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,200}", suppressed: bool) {
        let _ = wish(&text, None, suppressed);
    }

    #[test]
    fn a_keyword_inside_a_longer_message_is_none(word in "(STOP|END|QUIT|CANCEL|HELP|START)", rest in "[a-d]{3,8}") {
        prop_assert_eq!(wish(&format!("{rest} {word} {rest}"), None, false), None);
    }
}
