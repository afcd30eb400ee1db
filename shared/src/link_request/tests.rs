use super::asks_for_link;

#[test]
fn p_con_01_requests_for_a_link_are_heard() {
    for said in [
        "can you text me the link",
        "send me the booking link please",
        "Hi this is Ana, could you please text me the link to book a tour? Thanks.",
        "please send me a link to your price list",
        "Would you send us the link",
        "hello um could you send the link to my phone",
        "could you send that link to this number please",
        "I'd like you to text me the link",
        "I would like the link sent to my phone",
        "text me the link",
        "can I get the link texted to me",
        "could I please have the booking link please",
        "may we get a link for the brochure",
        "just shoot me the link when you can",
        "please send the link",
        "can you send the booking link please",
        "I need you to send me the link for the payment",
        "Send me the link. And send me the link again.",
        "I saw the link on your page but please text me the link",
        "can you message me the web address",
        "Schicken Sie mir bitte den Link",
        "Können Sie mir den Link per SMS schicken",
        "Envíeme el enlace por favor",
        "¿Me puede mandarme el link?",
        "Envoyez-moi le lien s'il vous plaît",
        "Pouvez-vous m'envoyer le lien",
        "mi mandi il link",
    ] {
        assert!(asks_for_link(said), "{said:?}");
    }
}

#[test]
fn p_con_01_talk_about_a_link_is_no_request() {
    for said in [
        "I saw the link on your page",
        "the link on your website does not work",
        "I clicked the link and nothing happened",
        "my sister sent me the link",
        "you sent me the wrong link yesterday",
        "please don't send me the link, I have it",
        "do not text me the link",
        "no need to send me a link",
        "he said he would text me the link",
        "did you send me the link already",
        "if you send me the link I will look at it some time",
        "thanks for texting me the link",
        "please call me back about the quote",
        "can you send me the menu",
        "send me your price list by mail",
        "I'd like to book a tour on Friday",
        "is there a rail link to the airport",
        "we want to link two rooms",
        "can you text me when you are back",
        "they never send us links",
        "",
    ] {
        assert!(!asks_for_link(said), "{said:?}");
    }
}
