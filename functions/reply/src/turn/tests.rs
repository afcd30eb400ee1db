use usher_shared::ids::{ChannelId, ContactId, ConversationId};
use usher_shared::model::ContactRef;
use usher_shared::untrusted::KeyedHash;

use super::*;

#[test]
fn p_col_01_what_was_stored_unmasked_is_shown_to_no_model() {
    let at = Timestamp::from_millis(1_790_000_000_000);
    let contact = ContactRef {
        address: KeyedHash::from_bytes([1; 16]),
        id: ContactId::derived(at, [1; 10]),
    };
    let stored = |text: &str| Message {
        id: MessageId::derived(at, [2; 10]).into(),
        conversation: ConversationId::derived(at, [3; 10]).into(),
        contact: contact.into(),
        channel: ChannelId::derived(at, [4; 10]).into(),
        direction: Direction::Inbound.into(),
        author: Author::Contact.into(),
        state: MessageState::Received.into(),
        at: at.into(),
        answers: None.into(),
        body: MessageBody::from(text.to_owned()).into(),
        ..Message::blank()
    };
    let card = "4242 4242 4242 4242";
    let mut messages = [stored(card), stored("When is the deposit due?")];
    mask_for_model(Masking::ALL, &mut messages);
    let texts = messages
        .each_ref()
        .map(|message| message.body.get().text.as_str());
    assert_eq!(texts, ["•••• 4242", "When is the deposit due?"]);
}
