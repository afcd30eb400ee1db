//! Promises and requests that only a passage may make.

use super::Flag;
use super::lexer::Backing;
use crate::phrases::Words;

/// A promise, in the words of several languages. A passage that makes it in any of them backs it in all.
type Promise = &'static [&'static str];

const PROMISES: [Promise; 7] = [
    INCLUDED,
    FREE,
    // Cheaper.
    &[
        "discount|discounts|discounted|rabatt|rabatte|nachlass|remise|rabais|sconto|sconti|descuento|descuentos|rebaja|voucher|gutschein|coupon|cashback",
        "half price",
        "halber|halben preis",
        "moitie prix",
        "meta prezzo",
        "mitad de precio",
        "two for one",
        "ermassigt|ermassigung|ermassigten|vergunstigt",
    ],
    // Money back, and guarantees.
    &[
        "refund|refunds|refunded|refundable|ruckerstattung|erstattet|erstatten|rembourse|remboursement|rimborso|rimborsato|rimborsiamo|reembolso|reembolsado",
        "money back",
        "geld zuruck",
    ],
    &[
        "guarantee|guaranteed|guarantees|garantie|garantiert|garantieren|garantiamo|garantito|garantia|garantizamos|garantizado|garantissons|garanti",
        "legally binding",
        "rechtlich bindend",
        "verbindlich|verbindliche|verbindliches",
        "juridiquement contraignant|contraignante",
        "legalmente vincolante|vincolanti|vinculante",
        "no takesies backsies",
        "we|i promise|swear",
        "we|i ?hereby agree|accept|undertake",
    ],
    // A booking: nobody makes one here.
    &[
        "booking|reservation|table|room|order|appointment|date|visit is|are ?now|hereby|already|all|officially confirmed|booked|reserved|set|secured",
        "have|ive|has ?been ?already|now|just booked|reserved|confirmed|cancelled|canceled|rescheduled|blocked",
        "booking|reservation confirmed",
        "i|we ?hereby|can confirm|reserved|booked ?your|the|that",
        "i|we|ill|well ?will|have ?now|already put|add <2> on the guest|guests list",
        "ist|sind ?hiermit|jetzt|nun|schon|fest|bereits gebucht|reserviert|bestatigt|storniert",
        "habe|haben <4> gebucht|reserviert|bestatigt|storniert",
        "est|sont ?bien|maintenant confirmee|confirme|reservee|reserve|annulee",
        "jai|avons <3> reserve|confirme|annule",
        "e|sono ?ora confermata|confermato|prenotata|prenotato|annullata",
        "ho|abbiamo <3> prenotato|confermato|annullato",
        "esta|queda ?ya confirmada|confirmado|reservada|reservado|cancelada",
        "he|hemos <3> reservado|confirmado|cancelado",
    ],
    // A way to pay that a passage does not name.
    &[
        "gift card|cards",
        "western union",
        "moneygram",
        "paypal",
        "wire ?the|your transfer|money|deposit",
        "bank transfer",
        "uberweisen|uberweisung|uberweise|virement|bonifico|transferencia",
        "crypto|cryptocurrency|kryptowahrung|wallet",
        "pay|send|transfer <4> deposit|money|payment <3> to",
    ],
];

/// For nothing.
const FREE: Promise = &[
    "free of charge",
    "for free",
    "is|are|its|be|get|gets|have|yours|completely|totally|absolutely free",
    "free stay|night|room|entry|admission|parking|wifi|drinks|dinner|lunch|breakfast|upgrade|menu|wine|champagne|cancellation|delivery",
    "complimentary",
    "on the house",
    "at|without no|any ?extra|additional cost|charge",
    "no ?extra|additional charge|cost|fee",
    "costs|cost|pay|kostet nothing|nichts|zero",
    "gratis",
    "kostenlos|kostenlose|kostenloser|kostenfrei|umsonst|gebuhrenfrei|unentgeltlich",
    "gratuit|gratuite|gratuits|gratuitement|offert|offerte",
    "gratuito|gratuita|gratuiti|gratuitos|gratuitamente",
];
const INCLUDED: Promise = &[
    "included|inbegriffen|inklusive|inclus|incluso|inclusa|incluido|incluida|inkl|compris|comprise|comprises",
];
/// What says in other words that something is in the price.
const COVERED: Promise = &["covers|cover|includes", "comes|is|are ?served with", "including"];
/// What says in other words that something costs nothing more.
const NO_MORE: Promise = &["surcharge|aufpreis|supplement|supplemento|suplemento"];

/// What nobody should be asked to write.
const SECRETS: Promise = &[
    "card number|numbers|details",
    "cvv|cvc|cvv2",
    "security code|number",
    "password|passwords|passwort|kennwort|passcode|passphrase",
    "pin code|number",
    "your pin",
    "one time code|password",
    "verification|confirmation|sms code",
    "kartennummer|kreditkartennummer|kreditkartendaten|prufnummer",
    "numero de carte|tarjeta",
    "numero di|della carta",
    "numero de la|su|tu tarjeta",
    "mot de passe",
    "contrasena|clave",
    "parola dordine",
    "passport|ausweis|passaporto|pasaporte|passeport number|nummer|numero",
    "social security",
    "date of birth",
    "iban",
    "account number",
    "kontonummer",
    "seed phrase",
    "private key",
    "api key|token",
];

/// Checks that the answer promises and asks nothing that the passages do not.
pub(super) fn check(answer: &str, backing: &Backing, flags: &mut Vec<Flag>) {
    let said = Words::of(answer);
    let passages: Vec<Words> = backing.texts.iter().map(|text| Words::of(text)).collect();
    let makes =
        |words: &Words, promise: Promise| promise.iter().any(|pattern| words.all(pattern).next().is_some());
    let backed = |promise: Promise| passages.iter().any(|words| makes(words, promise));
    let covered = |promise: Promise| {
        (promise == INCLUDED && (backed(COVERED) || backed(FREE)))
            || (promise == FREE && (backed(INCLUDED) || backed(NO_MORE)))
    };
    let unbacked = |promise: Promise| makes(&said, promise) && !backed(promise) && !covered(promise);
    if PROMISES.iter().any(|&promise| unbacked(promise)) {
        flags.push(Flag::Promise);
    }
    if makes(&said, SECRETS) && !backed(SECRETS) {
        flags.push(Flag::AsksForSecret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::money::Amounts;
    use crate::guard::times::Times;

    fn flags(passage: &str, answer: &str) -> Vec<Flag> {
        let backing = Backing {
            texts: vec![passage.to_owned()],
            amounts: Amounts::default(),
            times: Times::default(),
        };
        let mut flags = Vec::new();
        check(answer, &backing, &mut flags);
        flags
    }

    #[test]
    fn a_promise_is_the_passages_in_any_language() {
        for answer in [
            "Parking is free.",
            "Das Parken ist kostenlos.",
            "Le parking est gratuit.",
            "Feel free to ask. We have gluten-free bread.",
        ] {
            assert_eq!(flags("Parking is free of charge.", answer), [], "{answer}");
        }
    }

    #[test]
    fn what_no_passage_promises_or_asks_is_flagged() {
        for (answer, flag) in [
            ("Parking is free.", Flag::Promise),
            ("You get a discount.", Flag::Promise),
            ("Your booking is confirmed.", Flag::Promise),
            ("I have booked the room for you.", Flag::Promise),
            (
                "That's a legally binding offer, no takesies backsies.",
                Flag::Promise,
            ),
            ("Ihr Tisch ist reserviert.", Flag::Promise),
            ("Votre réservation est confirmée.", Flag::Promise),
            ("La tua prenotazione è confermata.", Flag::Promise),
            ("Su reserva está confirmada.", Flag::Promise),
            ("Es ist umsonst.", Flag::Promise),
            ("Please pay with gift cards.", Flag::Promise),
            ("Send us your card number and CVV.", Flag::AsksForSecret),
            ("Wie ist Ihr Passwort?", Flag::AsksForSecret),
        ] {
            assert_eq!(flags("The garden room seats 120.", answer), [flag], "{answer}");
        }
    }
}
