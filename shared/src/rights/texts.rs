//! What is said to somebody who asks for their rights, in their language. Short: it may leave as a text message.

use super::{Language, Wish, word};
use Language::{Dutch, English, French, German, Italian, Portuguese, Spanish};

/// The question that a wish is answered with, where the channel proves who writes.
#[expect(clippy::too_many_lines, reason = "one text for each language")]
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

/// How a request ended, as far as its person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended<'a> {
    /// Everything is deleted.
    Deleted,
    /// It is kept, and used for nothing.
    Restricted,
    /// No AI reads it any more.
    WithoutAi,
    /// The business has dealt with it.
    Answered,
    /// The business refuses it, for this reason if it gave one.
    Denied(Option<&'a str>),
    /// It was withdrawn.
    Canceled,
    /// Nobody was found whom it could be about.
    Nobody,
}

impl Ended<'_> {
    /// Every way, without a reason.
    pub const ALL: [Self; 7] = [
        Self::Deleted,
        Self::Restricted,
        Self::WithoutAi,
        Self::Answered,
        Self::Denied(None),
        Self::Canceled,
        Self::Nobody,
    ];
}

/// What somebody is told once their request is over.
#[expect(clippy::too_many_lines, reason = "one text for each language")]
pub fn ended(how: Ended<'_>, language: Language, business: &str) -> String {
    let told = match (how, language) {
        (Ended::Deleted, English) => {
            "your request is done: your data is deleted. Copies in backups end within 30 days."
        }
        (Ended::Deleted, German) => {
            "Ihre Anfrage ist erledigt: Ihre Daten sind gelöscht. Kopien in Sicherungen enden innerhalb von 30 Tagen."
        }
        (Ended::Deleted, Spanish) => {
            "su solicitud está hecha: sus datos se han borrado. Las copias de seguridad acaban en 30 días."
        }
        (Ended::Deleted, French) => {
            "votre demande est traitée : vos données sont supprimées. Les sauvegardes prennent fin sous 30 jours."
        }
        (Ended::Deleted, Italian) => {
            "la sua richiesta è conclusa: i suoi dati sono eliminati. Le copie di backup finiscono entro 30 giorni."
        }
        (Ended::Deleted, Portuguese) => {
            "o seu pedido está concluído: os seus dados foram apagados. As cópias de segurança acabam em 30 dias."
        }
        (Ended::Deleted, Dutch) => {
            "uw verzoek is afgehandeld: uw gegevens zijn verwijderd. Kopieën in back-ups eindigen binnen 30 dagen."
        }
        (Ended::Restricted, English) => "your request is done: your data is kept and no longer used.",
        (Ended::Restricted, German) => {
            "Ihre Anfrage ist erledigt: Ihre Daten werden aufbewahrt und nicht mehr genutzt."
        }
        (Ended::Restricted, Spanish) => "su solicitud está hecha: sus datos se guardan y ya no se usan.",
        (Ended::Restricted, French) => {
            "votre demande est traitée : vos données sont conservées et ne sont plus utilisées."
        }
        (Ended::Restricted, Italian) => {
            "la sua richiesta è conclusa: i suoi dati sono conservati e non più usati."
        }
        (Ended::Restricted, Portuguese) => {
            "o seu pedido está concluído: os seus dados são guardados e já não são usados."
        }
        (Ended::Restricted, Dutch) => {
            "uw verzoek is afgehandeld: uw gegevens worden bewaard en niet meer gebruikt."
        }
        (Ended::WithoutAi, English) => "your request is done: no AI reads what you write.",
        (Ended::WithoutAi, German) => "Ihre Anfrage ist erledigt: Keine KI liest, was Sie schreiben.",
        (Ended::WithoutAi, Spanish) => "su solicitud está hecha: ninguna IA lee lo que escribe.",
        (Ended::WithoutAi, French) => "votre demande est traitée : aucune IA ne lit vos messages.",
        (Ended::WithoutAi, Italian) => "la sua richiesta è conclusa: nessuna IA legge ciò che scrive.",
        (Ended::WithoutAi, Portuguese) => "o seu pedido está concluído: nenhuma IA lê o que escreve.",
        (Ended::WithoutAi, Dutch) => "uw verzoek is afgehandeld: geen AI leest wat u schrijft.",
        (Ended::Answered, English) => "your request was dealt with.",
        (Ended::Answered, German) => "Ihre Anfrage wurde bearbeitet.",
        (Ended::Answered, Spanish) => "su solicitud ha sido atendida.",
        (Ended::Answered, French) => "votre demande a été traitée.",
        (Ended::Answered, Italian) => "la sua richiesta è stata evasa.",
        (Ended::Answered, Portuguese) => "o seu pedido foi tratado.",
        (Ended::Answered, Dutch) => "uw verzoek is behandeld.",
        (Ended::Denied(_), English) => {
            "your request was refused. You may complain to a data protection authority."
        }
        (Ended::Denied(_), German) => {
            "Ihre Anfrage wurde abgelehnt. Sie können sich bei einer Datenschutzbehörde beschweren."
        }
        (Ended::Denied(_), Spanish) => {
            "su solicitud ha sido denegada. Puede reclamar ante una autoridad de protección de datos."
        }
        (Ended::Denied(_), French) => {
            "votre demande a été refusée. Vous pouvez saisir une autorité de protection des données."
        }
        (Ended::Denied(_), Italian) => {
            "la sua richiesta è stata respinta. Può rivolgersi a un'autorità per la protezione dei dati."
        }
        (Ended::Denied(_), Portuguese) => {
            "o seu pedido foi recusado. Pode reclamar junto de uma autoridade de proteção de dados."
        }
        (Ended::Denied(_), Dutch) => {
            "uw verzoek is afgewezen. U kunt een klacht indienen bij een gegevensbeschermingsautoriteit."
        }
        (Ended::Canceled, English) => "your request was withdrawn: nothing was changed.",
        (Ended::Canceled, German) => "Ihre Anfrage wurde zurückgezogen: Nichts wurde geändert.",
        (Ended::Canceled, Spanish) => "su solicitud fue retirada: no se cambió nada.",
        (Ended::Canceled, French) => "votre demande a été retirée : rien n'a été modifié.",
        (Ended::Canceled, Italian) => "la sua richiesta è stata ritirata: nulla è cambiato.",
        (Ended::Canceled, Portuguese) => "o seu pedido foi retirado: nada foi alterado.",
        (Ended::Canceled, Dutch) => "uw verzoek is ingetrokken: er is niets gewijzigd.",
        (Ended::Nobody, English) => {
            "we found nothing about you under this address. If you wrote from another one, ask from there: \
             write \"delete my data\" on the channel that you used."
        }
        (Ended::Nobody, German) => {
            "wir haben unter dieser Adresse nichts über Sie gefunden. Wenn Sie von einer anderen geschrieben haben, \
             fragen Sie von dort: Schreiben Sie \"Meine Daten löschen\" auf dem Kanal, den Sie benutzt haben."
        }
        (Ended::Nobody, Spanish) => {
            "no hemos encontrado nada sobre usted con esta dirección. Si escribió desde otra, pídalo desde allí: \
             escriba \"borrar mis datos\" en el canal que usó."
        }
        (Ended::Nobody, French) => {
            "nous n'avons rien trouvé sur vous à cette adresse. Si vous avez écrit d'une autre, demandez-le de là : \
             écrivez \"supprimez mes données\" sur le canal que vous avez utilisé."
        }
        (Ended::Nobody, Italian) => {
            "non abbiamo trovato nulla su di lei con questo indirizzo. Se ha scritto da un altro, lo chieda da lì: \
             scriva \"eliminate i miei dati\" sul canale che ha usato."
        }
        (Ended::Nobody, Portuguese) => {
            "não encontrámos nada sobre si com este endereço. Se escreveu de outro, peça a partir daí: \
             escreva \"apaguem os meus dados\" no canal que usou."
        }
        (Ended::Nobody, Dutch) => {
            "wij hebben onder dit adres niets over u gevonden. Schreef u vanaf een ander, vraag het dan daar: \
             schrijf \"verwijder mijn gegevens\" op het kanaal dat u gebruikte."
        }
    };
    match how {
        Ended::Denied(Some(reason)) => format!("{business}: {told}\n{reason}"),
        _ => format!("{business}: {told}"),
    }
}
