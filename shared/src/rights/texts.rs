//! What is said to somebody who asks for their rights, in their language. Short: it may leave as a text message.

use super::{Language, Wish, word};
use Language::{Dutch, English, French, German, Italian, Portuguese, Spanish};

/// The question that a wish is answered with, where the channel proves who writes.
pub fn question(wish: Wish, language: Language) -> String {
    let word = word(wish, language);
    let (asked, then) = match (wish, language) {
        (Wish::Delete, English) => (
            "You ask us to delete your data.",
            "Everything that we hold about you here is then deleted for good.",
        ),
        (Wish::Delete, German) => (
            "Sie bitten uns, Ihre Daten zu löschen.",
            "Dann wird alles, was wir hier über Sie haben, endgültig gelöscht.",
        ),
        (Wish::Delete, Spanish) => (
            "Nos pide que borremos sus datos.",
            "Entonces se borra para siempre todo lo que tenemos aquí sobre usted.",
        ),
        (Wish::Delete, French) => (
            "Vous nous demandez de supprimer vos données.",
            "Tout ce que nous avons ici sur vous sera alors supprimé définitivement.",
        ),
        (Wish::Delete, Italian) => (
            "Ci chiede di eliminare i suoi dati.",
            "Tutto ciò che abbiamo qui su di lei verrà eliminato per sempre.",
        ),
        (Wish::Delete, Portuguese) => (
            "Pede-nos que apaguemos os seus dados.",
            "Tudo o que temos aqui sobre si será apagado para sempre.",
        ),
        (Wish::Delete, Dutch) => (
            "U vraagt ons uw gegevens te verwijderen.",
            "Alles wat wij hier over u hebben wordt dan voorgoed verwijderd.",
        ),
        (Wish::Export, English) => (
            "You ask for a copy of your data.",
            "The business then sends you everything that it holds about you here.",
        ),
        (Wish::Export, German) => (
            "Sie bitten um eine Kopie Ihrer Daten.",
            "Dann erhalten Sie alles, was hier über Sie gespeichert ist.",
        ),
        (Wish::Export, Spanish) => (
            "Nos pide una copia de sus datos.",
            "Entonces recibirá todo lo que tenemos aquí sobre usted.",
        ),
        (Wish::Export, French) => (
            "Vous demandez une copie de vos données.",
            "Vous recevrez alors tout ce que nous avons ici sur vous.",
        ),
        (Wish::Export, Italian) => (
            "Ci chiede una copia dei suoi dati.",
            "Riceverà tutto ciò che abbiamo qui su di lei.",
        ),
        (Wish::Export, Portuguese) => (
            "Pede uma cópia dos seus dados.",
            "Receberá tudo o que temos aqui sobre si.",
        ),
        (Wish::Export, Dutch) => (
            "U vraagt om een kopie van uw gegevens.",
            "U ontvangt dan alles wat wij hier over u hebben.",
        ),
        (Wish::WithoutAi, English) => (
            "You ask that no AI reads what you write.",
            "From then on people answer you.",
        ),
        (Wish::WithoutAi, German) => (
            "Sie möchten, dass keine KI liest, was Sie schreiben.",
            "Dann antworten Ihnen Menschen.",
        ),
        (Wish::WithoutAi, Spanish) => (
            "Nos pide que ninguna IA lea lo que escribe.",
            "Desde entonces le responderán personas.",
        ),
        (Wish::WithoutAi, French) => (
            "Vous demandez qu'aucune IA ne lise vos messages.",
            "Des personnes vous répondront alors.",
        ),
        (Wish::WithoutAi, Italian) => (
            "Ci chiede che nessuna IA legga ciò che scrive.",
            "Da quel momento le risponderanno persone.",
        ),
        (Wish::WithoutAi, Portuguese) => (
            "Pede que nenhuma IA leia o que escreve.",
            "A partir daí respondem-lhe pessoas.",
        ),
        (Wish::WithoutAi, Dutch) => (
            "U vraagt dat geen AI leest wat u schrijft.",
            "Dan antwoorden mensen u.",
        ),
        (Wish::Object, English) => (
            "You ask us to stop using your data.",
            "It is then kept, no longer used, and nothing more is sent to you.",
        ),
        (Wish::Object, German) => (
            "Sie widersprechen der Nutzung Ihrer Daten.",
            "Sie werden dann aufbewahrt, nicht mehr genutzt, und Sie erhalten nichts mehr.",
        ),
        (Wish::Object, Spanish) => (
            "Nos pide que dejemos de usar sus datos.",
            "Entonces se guardan, no se usan más y no se le envía nada más.",
        ),
        (Wish::Object, French) => (
            "Vous nous demandez de ne plus utiliser vos données.",
            "Elles seront conservées, plus utilisées, et rien ne vous sera plus envoyé.",
        ),
        (Wish::Object, Italian) => (
            "Ci chiede di non usare più i suoi dati.",
            "Saranno conservati, non più usati, e non le verrà inviato altro.",
        ),
        (Wish::Object, Portuguese) => (
            "Pede que deixemos de usar os seus dados.",
            "Serão guardados, não serão usados, e nada mais lhe será enviado.",
        ),
        (Wish::Object, Dutch) => (
            "U vraagt ons uw gegevens niet meer te gebruiken.",
            "Ze worden dan bewaard, niet meer gebruikt, en u krijgt niets meer toegestuurd.",
        ),
    };
    let reply = match language {
        English => "To confirm, reply within an hour with:",
        German => "Zur Bestätigung antworten Sie bitte innerhalb einer Stunde mit:",
        Spanish => "Para confirmarlo, responda en el plazo de una hora con:",
        French => "Pour confirmer, répondez dans l'heure par :",
        Italian => "Per confermare risponda entro un'ora con:",
        Portuguese => "Para confirmar, responda no prazo de uma hora com:",
        Dutch => "Antwoord om dit te bevestigen binnen een uur met:",
    };
    format!("{asked} {reply} {word}\n{then}")
}

/// The answer to whoever confirmed.
pub fn acknowledged(language: Language, code: &str, url: &str) -> String {
    match language {
        English => format!("We have your request. Its code is {code}. What becomes of it: {url}"),
        German => format!("Ihre Anfrage ist eingegangen. Ihr Code: {code}. So steht es um sie: {url}"),
        Spanish => format!("Hemos recibido su solicitud. Su código: {code}. Su estado: {url}"),
        French => format!("Nous avons reçu votre demande. Son code : {code}. Son état : {url}"),
        Italian => format!("Abbiamo ricevuto la sua richiesta. Il codice: {code}. A che punto è: {url}"),
        Portuguese => format!("Recebemos o seu pedido. O código: {code}. O estado: {url}"),
        Dutch => format!("Wij hebben uw verzoek ontvangen. De code: {code}. Hoe het ermee staat: {url}"),
    }
}

/// What is sent to an address, where only its holder can confirm.
pub fn by_link(wish: Wish, language: Language, business: &str, url: &str) -> String {
    let asked = match (wish, language) {
        (Wish::Delete, English) => "to delete your data",
        (Wish::Delete, German) => "Ihre Daten zu löschen",
        (Wish::Delete, Spanish) => "que borre sus datos",
        (Wish::Delete, French) => "de supprimer vos données",
        (Wish::Delete, Italian) => "di eliminare i suoi dati",
        (Wish::Delete, Portuguese) => "que apague os seus dados",
        (Wish::Delete, Dutch) => "uw gegevens te verwijderen",
        (Wish::Export, English) => "for a copy of your data",
        (Wish::Export, German) => "Ihnen eine Kopie Ihrer Daten zu senden",
        (Wish::Export, Spanish) => "que le envíe una copia de sus datos",
        (Wish::Export, French) => "de vous envoyer une copie de vos données",
        (Wish::Export, Italian) => "di inviarle una copia dei suoi dati",
        (Wish::Export, Portuguese) => "que lhe envie uma cópia dos seus dados",
        (Wish::Export, Dutch) => "u een kopie van uw gegevens te sturen",
        (Wish::WithoutAi, English) => "to let no AI read what you write",
        (Wish::WithoutAi, German) => "Ihre Nachrichten keine KI lesen zu lassen",
        (Wish::WithoutAi, Spanish) => "que ninguna IA lea lo que escribe",
        (Wish::WithoutAi, French) => "de ne laisser aucune IA lire vos messages",
        (Wish::WithoutAi, Italian) => "di non far leggere a nessuna IA ciò che scrive",
        (Wish::WithoutAi, Portuguese) => "que nenhuma IA leia o que escreve",
        (Wish::WithoutAi, Dutch) => "geen AI te laten lezen wat u schrijft",
        (Wish::Object, English) => "to stop using your data",
        (Wish::Object, German) => "Ihre Daten nicht mehr zu nutzen",
        (Wish::Object, Spanish) => "que deje de usar sus datos",
        (Wish::Object, French) => "de ne plus utiliser vos données",
        (Wish::Object, Italian) => "di non usare più i suoi dati",
        (Wish::Object, Portuguese) => "que deixe de usar os seus dados",
        (Wish::Object, Dutch) => "uw gegevens niet meer te gebruiken",
    };
    match language {
        English => format!(
            "Somebody, probably you, asked {business} {asked}. If it was you, open this page within a day and press \
             the button: {url}\n\nIf it was not you, do nothing: then nothing happens."
        ),
        German => format!(
            "Jemand, vermutlich Sie, hat {business} gebeten, {asked}. Wenn Sie es waren, öffnen Sie innerhalb eines \
             Tages diese Seite und drücken Sie den Knopf: {url}\n\nWenn nicht, tun Sie nichts: Dann geschieht nichts."
        ),
        Spanish => format!(
            "Alguien, probablemente usted, pidió a {business} {asked}. Si fue usted, abra esta página en el plazo de \
             un día y pulse el botón: {url}\n\nSi no fue usted, no haga nada: entonces no ocurre nada."
        ),
        French => format!(
            "Quelqu'un, sans doute vous, a demandé à {business} {asked}. Si c'était vous, ouvrez cette page dans la \
             journée et appuyez sur le bouton : {url}\n\nSinon, ne faites rien : rien ne se passera."
        ),
        Italian => format!(
            "Qualcuno, probabilmente lei, ha chiesto a {business} {asked}. Se è stato lei, apra questa pagina entro un \
             giorno e prema il pulsante: {url}\n\nAltrimenti non faccia nulla: non accadrà nulla."
        ),
        Portuguese => format!(
            "Alguém, provavelmente você, pediu a {business} {asked}. Se foi você, abra esta página no prazo de um dia e \
             carregue no botão: {url}\n\nSe não foi, não faça nada: então nada acontece."
        ),
        Dutch => format!(
            "Iemand, waarschijnlijk u, vroeg {business} {asked}. Was u dat, open dan binnen een dag deze pagina en druk \
             op de knop: {url}\n\nWas u het niet, doe dan niets: dan gebeurt er niets."
        ),
    }
}
