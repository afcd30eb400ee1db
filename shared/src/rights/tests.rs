use proptest::prelude::*;

use super::*;
use crate::consent;

const TABLE: &[(Wish, Language, &[&str])] = &[
    (
        Wish::Delete,
        Language::English,
        &[
            "delete my data",
            "Delete my data!",
            "Please delete all my data.",
            "please delete all of my personal data from your systems",
            "Hi there, can you delete my data?",
            "Could you please erase my personal information",
            "I want you to delete everything you have about me",
            "Please delete all the data you have on me",
            "delete all information that you hold about me",
            "erase everything about me",
            "I want my data deleted",
            "I would like my personal data to be erased",
            "Please remove my data from your database",
            "remove my details from your system",
            "delete my account",
            "Delete my chat history please",
            "forget me",
            "Please forget everything about me",
            "forget all my data",
            "delete me from your database",
            "I invoke my right to be forgotten",
            "This is a GDPR deletion request",
            "I request the deletion of my personal data",
            "request under Art. 17 GDPR",
            "How can I delete my data?",
            "We no longer need the venue. Please delete our data.",
        ],
    ),
    (
        Wish::Delete,
        Language::German,
        &[
            "Bitte löschen Sie meine Daten",
            "löscht bitte alle meine Daten",
            "Können Sie meine Daten löschen?",
            "Ich möchte, dass Sie meine personenbezogenen Daten löschen",
            "Bitte meine Daten vollständig löschen",
            "Ich bitte um Löschung meiner personenbezogenen Daten",
            "Ich mache von meinem Recht auf Löschung Gebrauch",
            "Löschen Sie alles, was Sie über mich haben",
            "Bitte löschen Sie mein Konto",
        ],
    ),
    (
        Wish::Delete,
        Language::Spanish,
        &[
            "Borren mis datos",
            "por favor elimine todos mis datos personales",
            "Quiero borrar mis datos",
            "derecho al olvido",
            "solicito la supresión de mis datos",
        ],
    ),
    (
        Wish::Delete,
        Language::French,
        &[
            "Supprimez mes données",
            "Pouvez-vous supprimer toutes mes données personnelles ?",
            "effacez s'il vous plaît mes données",
            "droit à l'oubli",
            "Supprimez mon compte svp",
        ],
    ),
    (
        Wish::Delete,
        Language::Italian,
        &[
            "Cancellate i miei dati",
            "Vorrei eliminare i miei dati",
            "per favore cancelli tutti i miei dati personali",
            "diritto all'oblio",
        ],
    ),
    (
        Wish::Delete,
        Language::Portuguese,
        &[
            "Apague os meus dados",
            "quero excluir meus dados",
            "por favor eliminem todos os meus dados pessoais",
        ],
    ),
    (
        Wish::Delete,
        Language::Dutch,
        &[
            "Verwijder mijn gegevens",
            "Wilt u mijn gegevens verwijderen?",
            "wis alstublieft al mijn persoonlijke gegevens",
            "recht op vergetelheid",
        ],
    ),
    (
        Wish::Export,
        Language::English,
        &[
            "send me my data",
            "Please send me a copy of all my personal data",
            "Can I get a copy of my data?",
            "I want a copy of all the data you hold about me",
            "send me everything you have on me",
            "What data do you have about me?",
            "which personal information do you store about me",
            "export my data",
            "This is a subject access request",
            "I request access to my personal data",
        ],
    ),
    (
        Wish::Export,
        Language::German,
        &[
            "Schicken Sie mir meine Daten",
            "Bitte senden Sie mir eine Kopie meiner Daten",
            "Welche Daten haben Sie über mich?",
            "Ich bitte um Auskunft über meine personenbezogenen Daten",
            "Auskunft nach Art. 15 DSGVO",
        ],
    ),
    (
        Wish::Export,
        Language::Spanish,
        &[
            "Envíenme mis datos",
            "¿Qué datos tienen sobre mí?",
            "quiero una copia de mis datos",
        ],
    ),
    (
        Wish::Export,
        Language::French,
        &[
            "Envoyez-moi mes données",
            "Pouvez-vous m'envoyer une copie de mes données ?",
            "Quelles données avez-vous sur moi ?",
        ],
    ),
    (
        Wish::Export,
        Language::Italian,
        &[
            "Inviatemi i miei dati",
            "vorrei una copia dei miei dati",
            "Quali dati avete su di me?",
        ],
    ),
    (
        Wish::Export,
        Language::Portuguese,
        &["Enviem-me os meus dados", "quero uma cópia dos meus dados"],
    ),
    (
        Wish::Export,
        Language::Dutch,
        &[
            "Stuur mij mijn gegevens",
            "Welke gegevens hebben jullie over mij?",
            "ik wil een kopie van mijn gegevens",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::English,
        &[
            "Stop using AI for me",
            "please stop using AI on my messages",
            "Don't let AI read my messages",
            "I do not want AI to read my messages",
            "do not use AI for me",
            "I object to the use of AI",
            "no AI for my messages please",
            "stop using bots",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::German,
        &[
            "Verwenden Sie bitte keine KI für mich",
            "Ich möchte nicht, dass eine KI meine Nachrichten liest",
            "keine KI für meine Nachrichten",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::Spanish,
        &["No usen IA conmigo", "No quiero que una IA lea mis mensajes"],
    ),
    (
        Wish::WithoutAi,
        Language::French,
        &[
            "N'utilisez pas l'IA pour moi",
            "Arrêtez d'utiliser l'IA",
            "Je ne veux pas que l'IA lise mes messages",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::Italian,
        &[
            "Non usate l'IA con me",
            "Non voglio che l'IA legga i miei messaggi",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::Portuguese,
        &["Não usem IA comigo", "Parem de usar a IA"],
    ),
    (
        Wish::WithoutAi,
        Language::Dutch,
        &["Gebruik geen AI voor mij", "Ik wil niet dat een AI dit leest"],
    ),
    (
        Wish::Object,
        Language::English,
        &[
            "Stop processing my data",
            "I object to the processing of my personal data",
            "stop using my data",
            "I withdraw my consent",
            "I hereby withdraw all consent to the processing of my data",
        ],
    ),
    (
        Wish::Object,
        Language::German,
        &[
            "Ich widerspreche der Verarbeitung meiner Daten",
            "Ich widerrufe meine Einwilligung",
            "Hiermit lege ich Widerspruch gegen die Verarbeitung ein",
        ],
    ),
    (
        Wish::Object,
        Language::Spanish,
        &[
            "Me opongo al tratamiento de mis datos",
            "Retiro mi consentimiento",
        ],
    ),
    (
        Wish::Object,
        Language::French,
        &[
            "Je m'oppose au traitement de mes données",
            "Je retire mon consentement",
        ],
    ),
    (
        Wish::Object,
        Language::Italian,
        &[
            "Mi oppongo al trattamento dei miei dati",
            "Revoco il mio consenso",
        ],
    ),
    (
        Wish::Object,
        Language::Portuguese,
        &["Oponho-me ao tratamento dos meus dados"],
    ),
    (
        Wish::Object,
        Language::Dutch,
        &[
            "Ik maak bezwaar tegen de verwerking van mijn gegevens",
            "ik trek mijn toestemming in",
        ],
    ),
];

#[test]
fn p_del_06_wishes_are_recognised_in_seven_languages() {
    let texts = TABLE.iter().flat_map(|(wished, language, texts)| {
        let expected = Some((*wished, *language));
        texts.iter().map(move |text| (expected, wish(text), *text))
    });
    let wrong: Vec<_> = texts.filter(|(expected, found, _)| expected != found).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn p_del_06_ordinary_messages_wish_for_nothing() {
    for text in [
        "can you delete my booking?",
        "Please delete my booking for Friday",
        "please remove me from the waiting list",
        "remove my name from the guest list",
        "Please remove us from the list for June",
        "delete the second room from our reservation",
        "Please delete my last message",
        "Can you remove the flowers from my order?",
        "remove my brother's details from the invoice",
        "Please remove my details from the invoice",
        "Can you erase the wine stain from the tablecloth?",
        "Did you delete my data?",
        "Do you delete my data after the wedding?",
        "please don't delete my data",
        "Do not delete my data, we still want to come",
        "When do you delete my data?",
        "forget it",
        "Forget me not flowers would be lovely",
        "I forgot my jacket, did you find it?",
        "don't forget me",
        "Please don't forget everything we discussed",
        "forget about the DJ",
        "send me the menu",
        "Send me my invoice please",
        "Can you send me my booking details?",
        "please send us the data sheet of the projector",
        "send me a copy of the contract",
        "Can I have a copy of my invoice?",
        "What information do you have about the lake room?",
        "What information do you need from me?",
        "what do you have for vegetarians",
        "Which data plan do I need for the Wi-Fi?",
        "do you have everything you need from me?",
        "I don't want to talk to a bot",
        "Are you an AI?",
        "Is this a bot?",
        "Stop using plastic cups please",
        "stop using the back entrance",
        "Can you use AI to write my speech?",
        "no AI art on the posters please, we have our own",
        "We object to the seating plan",
        "I object to the price",
        "I consent to the photos",
        "I withdraw my consent to the photos of our kids",
        "What is the date of my wedding in your calendar?",
        "delete that please",
        "cancel everything",
        "Please cancel my account of drinks",
        "Update my data: I moved to Rome",
        "my data volume is used up, call me",
        "Bitte löschen Sie meine Reservierung",
        "Bitte streichen Sie mich von der Warteliste",
        "Können Sie meine Daten ändern?",
        "Haben Sie meine Daten erhalten?",
        "Schicken Sie mir bitte das Menü",
        "Löschen Sie bitte nicht meine Daten",
        "Ich möchte keine Blumen mehr",
        "Borre mi reserva por favor",
        "Envíenme el menú",
        "¿Qué datos necesitan?",
        "Supprimez ma réservation",
        "Envoyez-moi le menu",
        "Quelles données vous manquent ?",
        "Cancellate la mia prenotazione",
        "Inviatemi il menù",
        "Apague a luz do salão",
        "Envie o menu",
        "Verwijder mijn reservering",
        "Stuur mij het menu",
        "hello",
        "👍",
        "",
    ] {
        assert_eq!(wish(text), None, "{text:?}");
    }
}

#[test]
fn p_del_06_each_question_names_the_word_that_confirms_it_and_nothing_else_does() {
    for wish in Wish::ALL {
        for language in Language::ALL {
            let word = word(wish, language);
            assert!(question(wish, language).contains(word));
            for dressed in [
                word.to_owned(),
                word.to_lowercase(),
                format!(" {word}. "),
                format!("\"{word}\""),
                format!("{word}!!"),
            ] {
                assert_eq!(confirms(&dressed), Some(wish), "{dressed:?}");
            }
            for other in [
                format!("please {word}"),
                format!("{word} my booking"),
                format!("{word} {word}"),
            ] {
                assert_eq!(confirms(&other), None, "{other:?}");
            }
        }
    }
    for text in ["yes", "ok", "Yes please", "delete it", "", "no", "confirm", "1"] {
        assert_eq!(confirms(text), None, "{text:?}");
    }
}

#[test]
fn p_con_02_no_word_ends_resumes_or_explains_text_messages() {
    for wish in Wish::ALL {
        for language in Language::ALL {
            let word = word(wish, language);
            for suppressed in [true, false] {
                assert_eq!(consent::wish(word, None, suppressed), None, "{word:?}");
            }
        }
    }
}

#[test]
fn a_question_is_no_wish_and_fits_into_two_text_messages() {
    for asked in Wish::ALL {
        for language in Language::ALL {
            let question = question(asked, language);
            assert!(question.chars().count() <= 270, "{question}");
            assert_eq!(confirms(&question), None);
        }
    }
}

#[test]
fn every_language_has_words_of_its_own_for_each_answer() {
    let all = |made: &dyn Fn(Language) -> String| {
        let texts: std::collections::BTreeSet<String> = Language::ALL.into_iter().map(made).collect();
        assert_eq!(texts.len(), Language::ALL.len());
        for text in texts {
            assert!(text.contains("https://u.example/x"), "{text}");
        }
    };
    all(&|language| acknowledged(language, "code", "https://u.example/x"));
    for wish in Wish::ALL {
        all(&|language| by_link(wish, language, "Lake Hall", "https://u.example/x"));
    }
}

#[test]
fn p_del_10_how_it_ended_is_said_in_every_language_and_names_the_business_and_the_reason() {
    let mut texts = std::collections::BTreeSet::new();
    for how in Ended::ALL {
        for language in Language::ALL {
            let text = ended(how, language, "Lake Hall");
            assert!(text.starts_with("Lake Hall: "), "{text}");
            texts.insert(text);
            assert_eq!(Language::of_tag(Some(language.tag())), language);
        }
    }
    assert_eq!(texts.len(), Ended::ALL.len() * Language::ALL.len());
    let reason = "We need the invoice for the tax office.";
    let denied = ended(Ended::Denied(Some(reason)), Language::English, "Lake Hall");
    assert!(denied.ends_with(reason), "{denied}");
    for unknown in [None, Some(""), Some("xx")] {
        assert_eq!(Language::of_tag(unknown), Language::English);
    }
}

#[test]
fn p_del_10_what_to_try_instead_is_what_is_recognised() {
    for language in Language::ALL {
        let text = ended(Ended::Nobody, language, "Lake Hall");
        let quoted = text.split('"').nth(1).unwrap_or_default();
        assert_eq!(wish(quoted), Some((Wish::Delete, language)), "{quoted}");
    }
}

#[test]
fn a_question_waits_an_hour() {
    let at = Timestamp::from_millis(1_790_000_000_000);
    let asked = Asked {
        wish: Wish::Delete,
        language: Language::English,
        at,
    };
    assert!(asked.waits(at) && asked.waits(at.plus(std::time::Duration::from_mins(59))));
    assert!(!asked.waits(at.plus(std::time::Duration::from_hours(1))));
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,200}") {
        let _ = wish(&text);
        let _ = confirms(&text);
    }
}
