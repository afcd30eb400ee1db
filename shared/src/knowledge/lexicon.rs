//! Words whose part in a question is known beforehand. All entries are folded as `words` folds them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use super::words::Language;

/// What a match is worth that is another word for the one asked.
const RELATED: f32 = 0.9;
/// What a match is worth that names one kind of what was asked.
const NARROWER: f32 = 0.75;

/// Words that say nothing about the subject, in the languages guests of a European business write.
///
/// A word that is a subject in one of them (`die`, `note`) is left out or accepted on both sides alike.
const STOP: &str = "
a an the this that these those there here it its they them their we us our ours you your yours i me my mine he she
his her who whom whose which what when where why how is are was were be been being am do does did done doing has
have had having can could may might must shall should will would of in on at to from by for with without about
into onto over under than then as if or and but not no nor so too also very just only still yet already again
ever any some all each every both either neither other others another more most much many few less least such
own same s t re ve ll d m don doesn didn isn aren wasn won wouldn couldn shouldn hasn haven until till up down out
off during between after before while because since per via etc eg ie one ones else even once upon within whether
yes ok okay oh cannot near nearby around
il lo la le gli un uno una di da con su per tra fra del dello della dei degli delle al allo alla ai agli alle dal
dalla nel nella sul sulla che chi cui e ed o ma se non si ci vi mi ti sono sei siamo ho hai ha abbiamo avete hanno
quale quali cosa come dove quando perche questo questa l dell nell all
der das den dem des ein eine einen einem einer eines und oder aber nicht kein keine ist sind war wir ihr ihre uns
sie er ich mich mir man mit von zu zum zur im am auf aus bei fur uber um nach vor wie wo wann warum wer wenn
haben hat habe gibt es auch nur noch schon kann konnen darf durfen mein meine meinen meinem unser unsere unseren
unserem ihnen ihren ihrem dir euch euer bei beim ins vom ans als dass so sehr etwas jemand wird werden wurde wurden
muss mussen musst soll sollen will wollen bin bist hatte hatten dann denn doch mal dabei dazu davon dort hier da jede
jeder jedes alle allen welche welcher welches ab bis ohne durch gegen viel viele
les des du au aux et ou mais ne pas est sont etes nous vous ils elle elles je tu se sa ses son mes nos votre vos
que qui quoi quel quelle quels quelles dans sur avec sans pour par chez y a-t-il c qu est-ce
el los las unos unas del y o pero con sin por para es son esta estan hay nosotros ustedes que cual donde cuando
";

/// Words of politeness and of asking: they carry no subject and every business's guests use them.
const FILLER: &str = "
hi hello hey dear please thanks thank greetings good morning evening afternoon regards best kind love like want wish
wonder wondering know tell say let ask question questions answer help need needed looking look interested info
information detail details more hear idea possible possibly able allowed allow permitted okay fine sure maybe perhaps
exactly actually really currently normally usually generally roughly approximately offer offers provide available
availability get got give gave take come go going use using make made see think plan planning thing things
something anything someone anybody anyone everybody everyone people person kindly able option options
bring brought happen happens need needs wanted hope hoping guest guests couple couples visitor visitors customer
customers client clients number numbers recommend suggest include includes included including part
case mother father mum mom dad sister brother aunt uncle cousin grandmother grandma grandfather friend friends husband
wife fiance fiancee
buongiorno ciao salve grazie vorrei vorremmo possibile per favore sapere informazioni
hallo guten tag danke bitte mochten mochte wurden wurde wurden gerne moglich geht gehen kommen kommt bringen
mitbringen mitkommt bekommen brauchen braucht bieten bietet sagen wissen fragen frage wunschen machen macht stellen
bonjour merci voudrais voudrions possible plait s'il
hola buenos dias gracias quisiera posible
";

/// Words that ask for an amount of money; the passage must name one instead.
const MONEY: &str = "
price prices priced pricing cost costs costing charge charges charged fee fees rate rates euro euros eur usd dollar
dollars pound pounds expensive cheap tariff quote
prezzo prezzi costo costi costa costano quanto tariffa
preis preise kosten kostet teuer prix cout coute coutent combien tarif gebuhr gebuhren precio precios cuesta cuestan cuanto
";

/// Groups of words that mean one thing in a question about a business: each finds all the others.
const SAME: &[&str] = &[
    "child children kid kids toddler toddlers bambini kinder",
    "wifi wlan internet",
    "vegetarian vegetarians veggie",
    "rent hire rental renting",
    "book reserve reservation booking",
    "toilet restroom bathroom wc",
    "photographer photography photo photos photographs",
    "caterer catering caterers",
    "wheelchair accessible accessibility barrier",
    "phone telephone",
    "mail email",
    "airport flughafen",
    "railway train",
    "visit viewing viewings tour",
    "smoke smoking",
    "babysitter babysitters babysitting nanny",
    "flower flowers florist floral bouquet",
    "hairdresser hair hairstylist",
    "celebrate party celebration",
    "cancel cancellation refund",
    "allergy allergies allergic intolerance intolerances",
    "lift elevator",
    "car cars vehicle",
    "end ends finish stop stops",
    "planner coordinator manager",
    "playground play",
    "food dish dishes meal meals",
    "rain rains raining rainy",
    "legal legally civil",
    "seat seated seating",
    "pay payment paying paid",
    "delivery deliver delivers delivered shipping ship ships shipped",
    "heavy weight weigh weighs",
    "hund hunde",
    "rad fahrrad leihrad tourenrad rader fahrrader leihrader tourenrader",
    "leihen ausleihen verleihen mieten leihrad leihrader",
    "auschecken abreise abreisen",
    "einchecken anreise anreisen",
    "zahlen bezahlen zahlung",
    "baden schwimmen",
    "parken parkplatz parkplatze",
    "offen geoffnet offnungszeiten",
    "rollstuhl rollstuhle rollstuhlfahrer barrierefrei",
    "aufzug lift fahrstuhl",
];

/// A word that stands for narrower ones: the passage may name any of them. Not the other way round.
const COVERS: &[(&str, &str)] = &[
    ("pet", "dog dogs cat cats animals"),
    ("animal", "dog dogs cat cats pets"),
    ("dessert", "cake tart"),
    ("accommodation", "bedroom bedrooms overnight room rooms"),
    ("sleep", "overnight bedrooms"),
    ("stay", "overnight bedrooms"),
    ("fit", "capacity seated"),
    ("hold", "capacity seated"),
    ("arrive", "get reach"),
    ("park", "parking"),
    ("haustier", "hund hunde katze katzen"),
];

/// Phrases by which a guest asks for a person, as words; `_` stands for up to two words of any kind.
const PERSON: &[&str] = &[
    "call me",
    "call us",
    "phone me",
    "ring me",
    "ring us",
    "call back",
    "callback",
    "contact me",
    "contact us please",
    "real person",
    "real human",
    "human being",
    "actual person",
    "live agent",
    "a human",
    "human please",
    "talk to _ someone",
    "talk to _ somebody",
    "talk to _ person",
    "talk to _ human",
    "talk to _ staff",
    "talk to _ manager",
    "talk to _ team",
    "talk to _ owner",
    "talk to you",
    "talk with _ someone",
    "talk with _ person",
    "talk with _ human",
    "talk with you",
    "talk with _ team",
    "speak to _ someone",
    "speak to _ somebody",
    "speak to _ person",
    "speak to _ human",
    "speak to _ manager",
    "speak to _ team",
    "speak to _ staff",
    "speak to _ owner",
    "speak to you",
    "speak with _ someone",
    "speak with _ somebody",
    "speak with _ person",
    "speak with _ human",
    "speak with _ manager",
    "speak with _ team",
    "speak with _ staff",
    "speak with you",
    "chat with _ human",
    "chat with _ person",
    "get in touch with me",
    "not _ bot",
    "no bot",
    "are you a bot",
    "are you human",
    "customer service",
    "operator please",
    "parlare con",
    "richiamatemi",
    "mi chiami",
    "chiamatemi",
    "una persona vera",
    "un operatore",
    "mit _ menschen",
    "mit jemandem sprechen",
    "rufen sie mich",
    "ruft mich",
    "zuruckrufen",
    "mitarbeiter sprechen",
    "parler a quelqu",
    "parler avec",
    "rappelez moi",
    "appelez moi",
    "un conseiller",
    "une vraie personne",
    "hablar con",
    "llamame",
    "llamenme",
    "una persona real",
];

type Words = LazyLock<HashSet<&'static str>>;

pub(super) fn is_stop(word: &str) -> bool {
    static SET: Words = LazyLock::new(|| STOP.split_whitespace().collect());
    SET.contains(word)
}

pub(super) fn is_filler(word: &str) -> bool {
    static SET: Words = LazyLock::new(|| FILLER.split_whitespace().collect());
    SET.contains(word)
}

pub(super) fn is_money(word: &str) -> bool {
    static SET: Words = LazyLock::new(|| MONEY.split_whitespace().collect());
    SET.contains(word)
}

/// Stems by which a question's word may also be found, with what such a match is worth.
pub(super) fn related(language: Language, wanted: &str) -> &'static [(String, f32)] {
    static TABLES: LazyLock<BTreeMap<Language, Related>> = LazyLock::new(|| {
        Language::ALL
            .map(|language| (language, relatives(language)))
            .into()
    });
    let found = TABLES.get(&language).and_then(|table| table.get(wanted));
    found.map_or(&[], Vec::as_slice)
}

type Related = BTreeMap<String, Vec<(String, f32)>>;

fn relatives(language: Language) -> Related {
    let stem = |word: &str| language.stem(word);
    let mut table = Related::new();
    for group in SAME {
        let members: BTreeSet<String> = group.split_whitespace().map(stem).collect();
        for member in &members {
            let others = members.iter().filter(|other| *other != member);
            table
                .entry(member.clone())
                .or_default()
                .extend(others.map(|other| (other.clone(), RELATED)));
        }
    }
    for (broad, narrow) in COVERS {
        let narrow = narrow.split_whitespace().map(|word| (stem(word), NARROWER));
        table.entry(stem(broad)).or_default().extend(narrow);
    }
    table
}

/// True if the words hold one of the phrases that ask for a person.
pub(super) fn asks_for_person(words: &[&str]) -> bool {
    PERSON
        .iter()
        .any(|phrase| (0..words.len()).any(|start| matches_at(phrase, words.get(start..).unwrap_or(&[]))))
}

fn matches_at(phrase: &str, words: &[&str]) -> bool {
    let mut words = words.iter();
    let mut skippable = 0;
    for part in phrase.split_whitespace() {
        if part == "_" {
            skippable = 2;
            continue;
        }
        let skip = std::mem::take(&mut skippable);
        if !words.by_ref().take(skip + 1).any(|word| *word == part) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_for_a_person_is_heard() {
        for (text, expected) in [
            ("can i talk to a real person", true),
            ("could i please speak with one of your team", false),
            ("please call me tomorrow", true),
            ("can i talk to someone", true),
            ("ich mochte mit einem menschen reden", true),
            ("which human wrote the menu", false),
            ("what do you call the terrace", false),
            ("do you speak english", false),
        ] {
            assert_eq!(
                asks_for_person(&text.split(' ').collect::<Vec<_>>()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn broad_words_find_narrow_ones_and_not_the_reverse() {
        let stem = |word: &str| Language::English.stem(word);
        let finds = |word: &str, other: &str| {
            related(Language::English, &stem(word))
                .iter()
                .any(|(found, _)| *found == stem(other))
        };
        assert!(finds("pets", "dog"));
        assert!(!finds("cat", "dog"));
        assert!(finds("restroom", "toilets") && finds("toilet", "restrooms"));
    }
}
