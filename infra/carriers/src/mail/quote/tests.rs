use super::*;

#[track_caller]
fn splits(text: &str, own: &str, quoted: &str) {
    let seen = split(text);
    assert_eq!(
        (seen.text.as_str(), seen.quoted.as_str()),
        (own, quoted),
        "{text}"
    );
}

#[test]
fn quotes_of_many_programs_and_languages_are_split_off() {
    let introductions = [
        "On Mon, Sep 21, 2026 at 2:00 PM Acme <hello@acme.example> wrote:",
        "On 21 Sep 2026, at 14:00, Acme wrote:",
        "El lun, 21 sept 2026 a las 14:00, Acme (<hello@acme.example>) escribió:",
        "Am 21.09.2026 um 14:00 schrieb Acme:",
        "Am Mo., 21. Sept. 2026 um 14:00 Uhr schrieb Acme <hello@acme.example>:",
        "Le lun. 21 sept. 2026 à 14:00, Acme <hello@acme.example> a écrit :",
        "Il giorno lun 21 set 2026 alle ore 14:00 Acme ha scritto:",
        "Em seg., 21 de set. de 2026 às 14:00, Acme escreveu:",
        "Op ma 21 sep. 2026 om 14:00 schreef Acme <hello@acme.example>:",
        "Den mån 21 sep. 2026 kl 14:00 skrev Acme <hello@acme.example>:",
        "pon., 21 wrz 2026 o 14:00 Acme <hello@acme.example> napisał(a):",
    ];
    for introduction in introductions {
        splits(
            &format!("Sí.\n\n{introduction}\n> Tuesday?\n> Or Friday?\n"),
            "Sí.",
            &format!("{introduction}\n> Tuesday?\n> Or Friday?"),
        );
    }
}

#[test]
fn an_introduction_may_be_broken_into_lines() {
    splits(
        "Yes.\n\nOn Mon, Sep 21, 2026 at 2:00 PM Acme Restaurants and Bars\n<hello@acme.example> wrote:\n\n> Tuesday?",
        "Yes.",
        "On Mon, Sep 21, 2026 at 2:00 PM Acme Restaurants and Bars\n<hello@acme.example> wrote:\n> Tuesday?",
    );
}

#[test]
fn heads_and_headings_begin_what_is_quoted() {
    for history in [
        "-----Original Message-----\nFrom: Acme\nno more",
        "-----Ursprüngliche Nachricht-----\nalt",
        "-------- Mensaje original --------\nviejo",
        "________________________________\nFrom: Acme <hello@acme.example>\nSent: Monday, 21 September 2026 14:00\nTo: Ana\nSubject: Your quote\n\nTuesday?",
        "Von: Acme\nGesendet: Montag, 21. September 2026 14:00\nAn: Ana\nBetreff: Angebot\n\nDienstag?",
        "De : Acme\nEnvoyé : lundi 21 septembre 2026\nÀ : Ana\nObjet : Devis\n\nMardi ?",
        "*From:* Acme\n*Sent:* Monday\n*To:* Ana\n*Subject:* Quote\n\nTuesday?",
    ] {
        splits(&format!("Yes.\n\n{history}"), "Yes.", history);
    }
}

#[test]
fn answers_between_quotes_are_kept() {
    splits(
        "On 21.9.2026 Acme wrote:\n> Tuesday?\nYes.\n> For four?\nFor five.",
        "Yes.\nFor five.",
        "On 21.9.2026 Acme wrote:\n> Tuesday?\n> For four?",
    );
}

#[test]
fn what_only_looks_like_a_quote_is_text() {
    for text in [
        "As I wrote:\nno onions, please",
        "From: the station\nto you, how far?",
        "--\nAna Ruiz",
        "Name: Ana\nDate: Friday\nSubject: dinner",
        "He wrote: nothing",
        "----",
    ] {
        splits(text, text, "");
    }
}

#[test]
fn a_long_text_is_split_in_time() {
    let _in_time = split(&"a wrote 123\n".repeat(100_000));
    let _in_time = split(&"From: x\n".repeat(100_000));
}
