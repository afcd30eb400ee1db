//! The sentences in which people ask for their rights, as patterns (see [`crate::phrases`]).

use super::{Language, Wish};

/// Asks about it, tells of it, or says the opposite, if it stands before a wish.
pub(super) const NOT_ASKED: &str = "dont not cant cannot didnt wont never did do does why when if until unless before \
    after nicht nie warum wenn wann falls no nunca cuando si porque pourquoi quand perche quando non nao niet waarom \
    wanneer als";

/// Wishes, each with the sentences of one language. What stops processing is looked for first: "stop using AI on my data"
/// is no wish to have it sent. Within English, which others mix into theirs, sentences are the longest.
pub(super) const SENTENCES: &[(Wish, Language, &[&str])] = &[
    (
        Wish::WithoutAi,
        Language::English,
        &[
            "stop|quit|cease using|feeding ?the|your|any|an|of ai|ais|bot|bots|chatbot|chatbots|robots|llm|llms|chatgpt for|with|on|to me|my|us|our",
            "stop|quit|cease using ?the|your|any|an artificial intelligence ?for|with|on ?me|my|us|our",
            "stop|quit|cease using ?the|your|any ai|bots ?please|now $",
            "stop|quit|cease processing|reading|analysing|analyzing my <3> with|by|using|through ?the|your|an ai|bots|bot",
            "dont|never use|let ?the|your|any|an ai|bot|bots|chatbot|robots for|with|on|read|process|analyse|analyze|see me|my|us|our",
            "do not use|let ?the|your|any|an ai|bot|bots|chatbot|robots for|with|on|read|process|analyse|analyze|see me|my|us|our",
            "dont want|allow|consent ?to ?the|your|an|any ai|bot|bots to read|reading|process|processing|see|use|analyse|analyze my|our",
            "do not want|allow|consent ?to ?the|your|an|any ai|bot|bots to|reading|processing ?read|process|see|use|analyse|analyze my|our",
            "no ai for|on|with me|us|my|our",
            "object to ?the|any|your ?use ?of ai|automated|profiling",
            "withdraw|revoke my consent to|for ?the|your ?use ?of ai",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::German,
        &[
            "verwenden|benutzen|nutzen|verwende|benutzt|nutzt|setzen sie|ihr ?bitte <2> keine ki|kunstliche|chatbots",
            "keine ki|ai|chatbots fur|bei|mit mich|mir|meine|meinen|unsere",
            "keine kunstliche intelligenz fur|bei|mit mich|mir|meine|meinen|unsere",
            "horen|hort sie|ihr ?bitte auf ?, ?die|eine ki ?fur|bei ?mich|mir zu nutzen|verwenden|benutzen",
            "mochte|will nicht ?, dass ?eine|die ki|ai|kunstliche",
            "mochte|will keine ki|ai ?mehr $",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::Spanish,
        &[
            "no use|usen|uses|utilice|utilicen|utilices ?la|una|ninguna ia|inteligencia ?artificial conmigo|para|con|en",
            "deje|dejen|deja|dejad de usar|utilizar ?la|una ia|inteligencia",
            "no quiero que ?la|una|ninguna ia|inteligencia",
            "sin ia para|conmigo|con ?mi|mis",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::French,
        &[
            "nutilisez|nutilise|utilisez|utilise pas ?d|de lia|dia|ia|lintelligence|dintelligence",
            "nutilisez|nutilise plus lia|dia|ia|lintelligence|dintelligence",
            "arretez|arrete|cessez dutiliser ?une lia|ia|lintelligence",
            "pas dia pour|avec|sur moi|mes|nous",
            "ne veux|souhaite pas ?que <2> lia|ia|dia|lintelligence",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::Italian,
        &[
            "non usate|usi|usare|utilizzate|utilizzi|utilizzare ?una lia|ia|lintelligenza",
            "smettete|smetta|smetti di usare|utilizzare ?una lia|ia|lintelligenza",
            "non voglio che <1> lia|ia|lintelligenza",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::Portuguese,
        &[
            "nao use|usem|uses|utilize|utilizem ?a|uma|nenhuma ia|inteligencia ?artificial comigo|para|com|em|nos|nas",
            "pare|parem|para de usar|utilizar ?a|uma ia|inteligencia",
            "nao quero que ?a|uma|nenhuma ia|inteligencia",
        ],
    ),
    (
        Wish::WithoutAi,
        Language::Dutch,
        &[
            "gebruik|gebruikt ?u ?alstublieft|aub geen ai|ki|chatbot|chatbots voor|bij|met mij|me|mijn",
            "stop met ?het ?gebruik|gebruiken ?van ai|ki",
            "wil niet dat ?een|de|jullie ai|ki",
        ],
    ),
    (
        Wish::Object,
        Language::English,
        &[
            "stop|quit|cease ?all ?any processing|using *any|of|all my|our ?personal data|information",
            "stop|quit|cease ?all ?any processing of me|my|our",
            "object to *the|any|your|further processing|use of my|our",
            "restrict|limit ?the processing of|my|our ?my|our ?personal data",
            "withdraw|revoke *all|my|any|our consent $",
            "withdraw|revoke *all|my|any|our consent to|for *the|any|further|your processing|use|storage of|my|our",
        ],
    ),
    (
        Wish::Object,
        Language::German,
        &[
            "widerspreche ?ich ?hiermit ?hiermit der|jeder|einer *weiteren|jeglichen verarbeitung|nutzung|verwendung <3> daten",
            "widerspruch gegen die|jede|eine verarbeitung|nutzung|verwendung",
            "einschrankung der verarbeitung",
            "einwilligung *zur|in|die|der|verarbeitung|meiner|daten|hiermit widerrufe|zuruckziehen|widerrufen",
            "widerrufe ?ich ?hiermit meine einwilligung",
        ],
    ),
    (
        Wish::Object,
        Language::Spanish,
        &[
            "me opongo|oponemos ?al|a ?el tratamiento|procesamiento|uso de|del ?mis|nuestros datos",
            "deje|dejen|deja de tratar|procesar|usar|utilizar mis|nuestros datos",
            "retiro|revoco mi consentimiento",
        ],
    ),
    (
        Wish::Object,
        Language::French,
        &[
            "moppose|opposons au|a ?tout ?le traitement|lutilisation de mes|nos donnees",
            "arretez|arrete|cessez de|dutiliser ?traiter ?utiliser mes|nos donnees",
            "retire mon consentement",
        ],
    ),
    (
        Wish::Object,
        Language::Italian,
        &[
            "mi oppongo al|alluso ?trattamento ?dei|di dei|miei ?miei dati",
            "smettete|smetta|smetti di trattare|usare|utilizzare i miei|nostri dati",
            "revoco|ritiro il ?mio consenso",
        ],
    ),
    (
        Wish::Object,
        Language::Portuguese,
        &[
            "oponho|oponhome me|ao|a ?ao|a tratamento|processamento|uso dos|de meus ?dados",
            "oponho|opomos ?me ?nos ao tratamento|processamento|uso",
            "pare|parem|para de tratar|processar|usar|utilizar *os meus|nossos dados",
            "retiro|revogo o ?meu consentimento",
        ],
    ),
    (
        Wish::Object,
        Language::Dutch,
        &[
            "maak|teken bezwaar ?aan tegen <2> verwerking|gebruik",
            "stop met ?het verwerken|gebruiken ?van mijn|onze gegevens|persoonsgegevens|data",
            "trek mijn toestemming in",
        ],
    ),
    (
        Wish::Delete,
        Language::English,
        &[
            "delete|erase|remove|wipe|destroy|purge|forget *all|of|any my|our *personal|private|own|stored|contact data",
            "delete|erase|remove|wipe|destroy|purge *all|of|any my|our personal|private information|info|details",
            "delete|erase|wipe|destroy|purge *all|of|any my|our *own|stored|contact|chat|whole|entire information|info|details|records|record|profile|account|history|chat|chats|conversation|conversations|messages ?please|now|completely|permanently|immediately|thanks|too $",
            "remove *all|of|any my|our *own|stored|contact information|info|details|records|profile|account|data ?please|now|completely|permanently|immediately ?from ?your|the ?system|systems|database|databases|files|records|servers|company $",
            "delete|erase|remove|wipe|destroy|purge *all|of|any my|our *own|stored|contact information|info|details|records|record|profile|account|history|chats|conversations|messages from your system|systems|database|databases|files|servers|records",
            "delete|erase|remove|wipe|destroy|purge|forget *all|of|the|any everything|data|information|info ?that|which you|your ?company|have|hold|know|hold|store|stored|saved|collected|keep|kept *have|got|stored|saved|collected|hold|on|about|of me|us",
            "delete|erase|remove|wipe|forget everything about me|us",
            "^ ?please ?just forget ?all about ?me ?everything $",
            "^ ?please ?just forget me ?please|completely|now $",
            "delete|erase me|us from ?all ?of your ?system|systems|database|databases|records|files|servers",
            "remove|wipe me|us from ?all ?of your system|systems|database|databases|records|files|servers",
            "my|our ?personal data|information *to|be|is|get|removed|completely|permanently deleted|erased|wiped|destroyed ?please|now|completely|permanently|from|immediately",
            "right to be forgotten|erased",
            "right to|of erasure|deletion",
            "data|gdpr|ccpa|dsgvo deletion|erasure|removal ?request",
            "deletion|erasure|removal of *all|of my|our ?personal data|information|account",
            "article|art ?, 17 ?of ?the gdpr",
        ],
    ),
    (
        Wish::Delete,
        Language::German,
        &[
            "losche|loschen|loscht|losch|entferne|entfernen|entfernt|vernichten ?sie|ihr ?bitte ?sofort|umgehend *alle|samtliche|all meine|unsere *personlichen|personenbezogenen|gespeicherten|privaten daten",
            "meine|unsere *personlichen|personenbezogenen|gespeicherten|privaten daten *bitte|sofort|umgehend|vollstandig|komplett|alle|bei|ihnen|euch|zu loschen|geloscht|loscht|entfernen|vernichten",
            "loschung|loschen|entfernung *aller|all meiner|unserer *personlichen|personenbezogenen|gespeicherten|privaten daten",
            "recht auf loschung|vergessenwerden|vergessen",
            "losche|loschen|loscht|losch ?sie|ihr ?bitte alles ?, was sie|ihr|du ?alles uber|von mich|mir|uns",
            "losche|loschen|loscht|losch ?sie|ihr ?bitte mein|meinen|unser ?ganzes|ganzen konto|account|profil|chatverlauf|chat|verlauf ?bitte $",
            "mein|meinen konto|account|profil|chatverlauf|verlauf ?bitte loschen ?bitte $",
        ],
    ),
    (
        Wish::Delete,
        Language::Spanish,
        &[
            "borre|borren|borra|borrad|borrar|borren|elimine|eliminen|elimina|eliminad|eliminar|suprima|supriman|suprimir *todos|todas|por|favor mis|nuestros datos",
            "borre|borren|borra|borrar|elimine|eliminen|elimina|eliminar *toda|por|favor mi|nuestra informacion ?personal ?por ?favor $",
            "borre|borren|borra|borrar|elimine|eliminen|elimina|eliminar *todo|lo|por|favor que saben|sabe|tienen|tiene|guardan|guarda ?ustedes|usted sobre|de mi",
            "borre|borren|borra|borrar|elimine|eliminen|elimina|eliminar ?por ?favor mi cuenta|perfil|historial ?por ?favor $",
            "mis datos *personales|sean|por|favor borrados|eliminados|suprimidos",
            "eliminacion|supresion|borrado de *todos|todas mis datos",
            "derecho al|de|a ?la olvido|supresion",
        ],
    ),
    (
        Wish::Delete,
        Language::French,
        &[
            "supprimez|supprime|supprimer|effacez|efface|effacer|detruisez|detruire *sil|vous|plait|toutes|tous mes|nos donnees",
            "supprimez|supprime|supprimer|effacez|efface|effacer *sil|vous|plait|toutes mes|nos informations ?personnelles ?sil|svp ?vous ?plait $",
            "supprimez|supprime|supprimer|effacez|efface|effacer *sil|vous|plait mon compte|profil|historique ?sil|svp ?vous ?plait $",
            "supprimez|effacez|supprimer|effacer tout ce que vous savez|avez|conservez|detenez sur|de moi",
            "mes donnees *personnelles|soient supprimees|effacees|detruites",
            "suppression|effacement|leffacement de *toutes mes donnees",
            "droit a loubli|leffacement",
        ],
    ),
    (
        Wish::Delete,
        Language::Italian,
        &[
            "cancellate|cancelli|cancella|cancellare|eliminate|elimini|elimina|eliminare|rimuovete|rimuova|rimuovere *per|favore|tutti|i miei|nostri dati",
            "cancellate|cancelli|cancella|cancellare|eliminate|elimini|elimina|eliminare *per|favore|il mio account|profilo ?per ?favore $",
            "cancellate|cancelli|cancella|cancellare|eliminate|elimini|elimina|eliminare tutto *cio|quello|che sapete|sa|avete|ha su di me",
            "miei dati *personali|siano|vengano cancellati|eliminati|rimossi",
            "cancellazione|eliminazione *di|tutti|dei miei ?dati",
            "diritto alloblio",
            "diritto alla cancellazione",
        ],
    ),
    (
        Wish::Delete,
        Language::Portuguese,
        &[
            "apague|apaguem|apaga|apagar|exclua|excluam|exclui|excluir|elimine|eliminem|elimina|eliminar|remova|removam|remover|deletem|deletar *por|favor|todos|os meus|nossos dados",
            "apague|apaguem|apaga|apagar|exclua|excluam|excluir|elimine|eliminem|eliminar *por|favor|a minha conta ?por ?favor $",
            "apague|apaguem|apagar|exclua|excluam|excluir|eliminem|eliminar tudo *o|que voces ?sabem|tem|guardam sobre mim",
            "meus dados *pessoais|sejam apagados|excluidos|eliminados|removidos",
            "exclusao|eliminacao|remocao *de|todos|dos|os meus dados",
            "direito ao esquecimento|apagamento",
        ],
    ),
    (
        Wish::Delete,
        Language::Dutch,
        &[
            "verwijder|verwijdert|verwijderen|wis|wist|wissen|vernietig *u|alstublieft|aub|graag|al|alle mijn|onze *persoonlijke|opgeslagen gegevens|persoonsgegevens|data",
            "mijn|onze *persoonlijke|opgeslagen gegevens|persoonsgegevens|data *graag|aub|alstublieft|te|laten|worden|volledig verwijderen|verwijderd|wissen|gewist",
            "verwijder|verwijdert|verwijderen|wis|wissen *u|alstublieft|aub mijn account|profiel|chatgeschiedenis ?aub|alstublieft|graag $",
            "verwijder|verwijdert|wis alles ?, wat jullie|u|je <2> over|van mij",
            "verwijdering van *al|alle mijn gegevens|persoonsgegevens|data",
            "recht op vergetelheid|gegevenswissing|verwijdering",
        ],
    ),
    (
        Wish::Export,
        Language::English,
        &[
            "send|give|provide|email|mail|forward|export|show|share ?me|us ?with *all|of|a|copy|full|complete|the my|our *personal|own|stored data",
            "send|give|provide|email|mail|forward|show ?me|us ?with *all|of|a|the|copy|everything|data|information|info everything|data|information|info ?that|which you|your ?company|have|hold *have|hold|store|stored|saved|collected|keep|got about|on me|us",
            "copy of *all|of|the my|our *personal|own|stored data",
            "copy of *all|of|the data|information ?that you ?have|hold|store|keep *have|hold|stored|saved about|on me|us",
            "export|download *all|of|a|copy my|our *personal|own data",
            "what|which *personal|kind|of data|information|info do|does|have|has you|your|it ?company *have|hold|store|stored|saved|collected|keep|got about|on|of me|us",
            "subject access request",
            "data access|portability ?request",
            "right of|to access|portability|data ?portability",
            "access to *all|of my|our personal data|information",
            "article|art ?, 15|20 ?of ?the gdpr",
        ],
    ),
    (
        Wish::Export,
        Language::German,
        &[
            "schicken|schick|schickt|senden|sende|sendet|geben|gib|ubermitteln|ubersenden|mailen ?sie|ihr ?bitte mir|uns ?bitte *eine|kopie|all|aller|alle|samtliche|von meine|meiner|meinen|unsere *personlichen|personenbezogenen|gespeicherten daten",
            "kopie|auskunft *von|uber|zu|all|aller|alle meine|meiner|meinen|unsere *personlichen|personenbezogenen|gespeicherten daten",
            "meine|unsere *personlichen|personenbezogenen|gespeicherten daten *bitte|alle|mir|an|mich zusenden|zuschicken|zuzusenden|zuzuschicken|ubermitteln|zukommen|exportieren|herunterladen|haben|einsehen",
            "welche *personlichen|personenbezogenen daten *haben|habt|speichern|speichert|besitzen|sie|ihr|hast|du uber|von|zu mich|mir|uns",
            "recht auf auskunft|datenubertragbarkeit",
            "auskunft nach|gemass|gem ?, ?der art|artikel",
            "selbstauskunft|datenauskunft|auskunftsersuchen",
        ],
    ),
    (
        Wish::Export,
        Language::Spanish,
        &[
            "envie|envien|enviame|envieme|envienme|enviarme|mande|manden|mandame|mandeme|mandenme|mandarme|deme|denme|dame|darme *por|favor|una|copia|de|todos mis datos",
            "copia de *todos mis datos",
            "que datos *personales tienen|tiene|tienes|guardan|guarda|conservan|almacenan ?ustedes|usted sobre|de|mios ?mi",
            "derecho de|a ?la acceso|portabilidad",
            "acceso a *todos mis datos",
        ],
    ),
    (
        Wish::Export,
        Language::French,
        &[
            "envoyez|envoie|donnez|donne|transmettez|transmets moi *sil|vous|plait|svp|une|copie|de|toutes mes donnees",
            "menvoyer|me *envoyer|transmettre|une|copie|de|toutes mes donnees",
            "copie de *toutes mes|nos donnees",
            "quelles donnees *personnelles avez|detenez|conservez|gardez|possedez|stockez vous *sur|a|mon|sujet moi|sujet",
            "droit dacces",
            "droit a la portabilite",
            "acces a *toutes mes donnees",
        ],
    ),
    (
        Wish::Export,
        Language::Italian,
        &[
            "inviatemi|inviami|mandatemi|mandami|inviarmi|mandarmi|fornitemi|fornirmi|datemi *per|favore|una|copia|di|tutti|dei|i miei dati",
            "mi mandi|mandate|invii|inviate|fornisca *per|favore|una|copia|di|tutti|dei|i miei dati",
            "copia *di|tutti|dei|i miei dati",
            "quali|che dati *personali avete|ha|hai|conservate|conserva|possedete su|di ?di|me me",
            "diritto di accesso",
            "diritto alla portabilita",
            "accesso ai miei dati",
        ],
    ),
    (
        Wish::Export,
        Language::Portuguese,
        &[
            "envie|enviem|envia|enviar|mande|mandem|manda|mandar|forneca|fornecam|deem *me|para|mim|por|favor|uma|copia|de|dos|todos|os meus dados",
            "copia *de|dos|todos|os meus dados",
            "quais|que dados *pessoais voces|voce|tem ?tem|guardam|possuem|armazenam sobre mim",
            "direito de|a acesso|portabilidade",
            "acesso aos meus dados",
        ],
    ),
    (
        Wish::Export,
        Language::Dutch,
        &[
            "stuur|stuurt|sturen|geef|geeft|mail|mailt *u|me|mij|ons|alstublieft|aub|een|kopie|van|al|alle mijn|onze *persoonlijke|opgeslagen gegevens|persoonsgegevens|data",
            "kopie van *al|alle mijn|onze *persoonlijke|opgeslagen gegevens|persoonsgegevens|data",
            "welke *persoonlijke gegevens|persoonsgegevens|data *hebben|heeft|heb|bewaren|bewaart|bewaar|jullie|u|je over|van mij|me",
            "recht op|van inzage|dataportabiliteit|overdraagbaarheid",
            "inzage in *al|alle mijn *persoonlijke gegevens|persoonsgegevens|data",
        ],
    ),
];
