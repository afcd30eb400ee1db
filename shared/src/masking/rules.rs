//! Government ids: one rule per kind of number, each named after the published rule it follows.

use super::checks::{is_day, luhn, number, part};
use super::numbers::{
    ahv, bsn, codice_fiscale, cpf, dni, fodselsnummer, henkilotunnus, nie, nif, nino, nir, nir_body,
    personnummer, pesel, pesel_alone, pps, rijksregister, ssn, steuer_id,
};
use super::text::{Text, is_dash};

/// How one kind of number is written and checked.
struct Rule {
    /// In what shapes; see [`Text::shape`].
    shapes: &'static [&'static str],
    /// Whether the digits and letters, in upper case, can be one.
    valid: fn(&str) -> bool,
    /// Words one of which must stand next to it; none if its shape and check say enough.
    near: &'static [&'static str],
}

/// A word counts if it stands this many characters before or after the number.
const BEFORE: usize = 44;
const AFTER: usize = 28;

/// What stands between such a word and a number that is a phone number, and before numbers of other kinds.
const OTHERWISE: [&str; 26] = [
    "tel",
    "phone",
    "telephone",
    "mobile",
    "cell",
    "call",
    "whatsapp",
    "fax",
    "telefon",
    "telefono",
    "teléfono",
    "téléphone",
    "mobil",
    "handy",
    "rufnummer",
    "order",
    "booking",
    "reservation",
    "tracking",
    "invoice",
    "bestellung",
    "rechnung",
    "pedido",
    "commande",
    "zamówienie",
    "sendungsnummer",
];

/// The end of the government id that begins at `at`.
pub(super) fn find(text: &Text<'_>, at: usize) -> Option<usize> {
    text.plain(at)?;
    if !begins(text, at) {
        return None;
    }
    RULES.iter().find_map(|rule| {
        let fits = |shape: &&str| text.shape(at, shape).filter(|(_, plain)| (rule.valid)(plain));
        let (end, plain) = rule.shapes.iter().find_map(fits)?;
        let said = if rule.near.is_empty() {
            let bare = plain.bytes().all(|byte| byte.is_ascii_digit());
            !bare || !text.said_before(at, 20, &OTHERWISE, &[])
        } else {
            text.said_before(at, BEFORE, rule.near, &OTHERWISE) || text.said_after(end, AFTER, rule.near)
        };
        said.then_some(end)
    })
}

/// Whether a number may begin here: not within another number or word, not as phone numbers, order numbers
/// and amounts do.
fn begins(text: &Text<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|n| text.at(n)) else {
        return true;
    };
    if before.is_alphanumeric() || matches!(before, '+' | '#' | '$' | '€' | '£' | '@' | '=' | '_') {
        return false;
    }
    let joins = is_dash(before) || matches!(before, '.' | ',' | '/' | ':');
    let after_digit = at.checked_sub(2).is_some_and(|n| text.digit(n).is_some());
    !(joins && after_digit)
}

static RULES: &[Rule] = &[
    // United States, Social Security Administration: areas 000, 666 and 900 to 999, group 00 and serial 0000
    // are never given. 9xx is the Internal Revenue Service's ITIN.
    Rule {
        shapes: &["999-99-9999"],
        valid: ssn,
        near: &[],
    },
    Rule {
        shapes: &["999_99_9999"],
        valid: ssn,
        near: &[
            "ssn",
            "social security",
            "social security number",
            "itin",
            "taxpayer id",
        ],
    },
    // United Kingdom, HM Revenue & Customs, National Insurance Manual NIM39110.
    Rule {
        shapes: &["AA_99_99_99_A"],
        valid: nino,
        near: &[],
    },
    // Italy, decreto ministeriale 23 dicembre 1976: codice fiscale.
    Rule {
        shapes: &["AAAAAANNANNANNNA", "AAA~AAA~NNANN~ANNNA"],
        valid: codice_fiscale,
        near: &[],
    },
    // Spain, Real Decreto 1553/2005 (DNI) and Orden INT/2058/2008 (NIE): letter by the remainder by 23.
    Rule {
        shapes: &["99999999A", "99999999-A", "99.999.999-A", "99.999.999A"],
        valid: dni,
        near: &[],
    },
    Rule {
        shapes: &["A9999999A", "A-9999999-A", "A9999999-A"],
        valid: nie,
        near: &[],
    },
    Rule {
        shapes: &["99999999_A", "99.999.999_A"],
        valid: dni,
        near: &["dni", "nif", "documento"],
    },
    // France, décret 82-103 (NIR): key of two digits, 97 minus the remainder by 97; Corsica counts as 19 and 18.
    Rule {
        shapes: &["9_99_99_9N_999_999_99"],
        valid: nir,
        near: &[],
    },
    Rule {
        shapes: &["9_99_99_9N_999_999"],
        valid: nir_body,
        near: &[
            "sécurité sociale",
            "securite sociale",
            "numéro de sécu",
            "nir",
            "carte vitale",
        ],
    },
    // Germany, section 139b Abgabenordnung: eleven digits, ISO 7064 MOD 11,10, one digit of the first ten
    // twice or three times.
    Rule {
        shapes: &["99_999_999_999", "99999999999"],
        valid: steuer_id,
        near: &[
            "steuer-id",
            "steuer id",
            "steuerid",
            "steuer-identifikationsnummer",
            "steueridentifikationsnummer",
            "steuer-idnr",
            "idnr",
            "identifikationsnummer",
            "steuernummer",
            "tax id",
            "tax number",
        ],
    },
    // Poland, ustawa o ewidencji ludności (PESEL): date of birth with the century in the month, weights 1 3 7 9.
    Rule {
        shapes: &["99999999999"],
        valid: pesel_alone,
        near: &[],
    },
    Rule {
        shapes: &["99999999999", "999999_99999"],
        valid: pesel,
        near: &["pesel", "peselu"],
    },
    // Netherlands, Wet algemene bepalingen burgerservicenummer: the eleven test.
    Rule {
        shapes: &["999999999", "9999_99_999", "999_999_999"],
        valid: bsn,
        near: &[
            "bsn",
            "burgerservicenummer",
            "bsn-nummer",
            "bsn nummer",
            "sofinummer",
        ],
    },
    // Sweden, Skatteverket SKV 704 (personnummer, samordningsnummer): date of birth, Luhn.
    Rule {
        shapes: &["999999-9999", "999999+9999", "99999999-9999", "999999999999"],
        valid: personnummer,
        near: &[],
    },
    Rule {
        shapes: &["999999~9999", "99999999~9999"],
        valid: personnummer,
        near: &["personnummer", "personnr", "person-nr", "samordningsnummer"],
    },
    // Norway, Skatteetaten (fødselsnummer, D-nummer): date of birth, two digits by weights modulo 11.
    Rule {
        shapes: &["99999999999", "999999~99999"],
        valid: fodselsnummer,
        near: &[],
    },
    // Finland, asetus 128/2010 (henkilötunnus): date of birth, sign of the century, remainder by 31.
    Rule {
        shapes: &["999999-999N", "999999+999N", "999999A999N"],
        valid: henkilotunnus,
        near: &[],
    },
    // Belgium, Rijksregister: date of birth, 97 minus the remainder by 97, a 2 before it from the year 2000 on.
    Rule {
        shapes: &["99.99.99-999.99", "99999999999"],
        valid: rijksregister,
        near: &[],
    },
    // Brazil, Receita Federal (CPF): two digits modulo 11.
    Rule {
        shapes: &["999.999.999-99"],
        valid: cpf,
        near: &[],
    },
    Rule {
        shapes: &["99999999999"],
        valid: cpf,
        near: &["cpf"],
    },
    // Switzerland, AHVN13: country 756, check digit of EAN-13.
    Rule {
        shapes: &["999_9999_9999_99"],
        valid: ahv,
        near: &[],
    },
    // Denmark, CPR-kontoret: date of birth; without a check digit since 2007.
    Rule {
        shapes: &["999999_9999"],
        valid: |text| is_day(number(part(text, 2, 4)), number(part(text, 0, 2))),
        near: &["cpr", "cpr-nr", "cpr-nummer", "cpr nummer", "personnummer"],
    },
    // Ireland, Social Welfare Consolidation Act (PPS number): letter by the remainder by 23.
    Rule {
        shapes: &["9999999A", "9999999AA"],
        valid: pps,
        near: &["pps", "ppsn", "pps number"],
    },
    // Canada, Social Insurance Number: Luhn.
    Rule {
        shapes: &["999_999_999"],
        valid: luhn,
        near: &["social insurance", "social insurance number", "sin number"],
    },
    // Portugal, número de identificação fiscal: modulo 11.
    Rule {
        shapes: &["999_999_999"],
        valid: nif,
        near: &["nif", "contribuinte"],
    },
    // Passports and identity cards, ICAO Doc 9303: up to nine letters and digits, no check digit outside the
    // machine-readable zone.
    Rule {
        shapes: &[
            "A99999999",
            "A9999999",
            "AA9999999",
            "AA999999",
            "AAA999999",
            "99AA99999",
            "999999999",
            "NNNNNNNNN",
        ],
        valid: |text| {
            text.bytes().filter(u8::is_ascii_digit).count() >= 4
                && text.bytes().any(|b| b > b'9' || text.len() == 9)
        },
        near: &[
            "passport",
            "passport number",
            "passport no",
            "reisepass",
            "reisepassnummer",
            "pasaporte",
            "passeport",
            "passaporto",
            "paspoort",
            "passnummer",
            "paszport",
            "identity card",
            "id card",
            "personalausweis",
            "ausweisnummer",
            "carta d'identità",
        ],
    },
];
