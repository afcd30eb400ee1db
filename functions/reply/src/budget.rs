//! How much of the AI a conversation, a person and a tenant get in a day. What is too much goes to a person: nobody is
//! left without an answer, and nobody's questions cost without end.

use usher_aws::TenantScope;
use usher_shared::guard::Flag;
use usher_shared::rate::{Class, Wait};
use usher_shared::records::Conversation;

use crate::Desk;

/// Characters of a thousand tokens, on the safe side: four to a token in English, fewer elsewhere.
const CHARACTERS: usize = 3_000;

/// Counts a turn in which a model is sent so many characters. Gives the budget that is used up, if one is.
pub(crate) async fn spend(
    desk: &Desk,
    scope: &TenantScope,
    head: &Conversation,
    characters: usize,
) -> Option<Flag> {
    let (conversation, contact) = (head.id.to_string(), head.contact.id.to_string());
    let turns: [(Class, &[&[u8]], Flag); 3] = [
        (
            Class::TurnsInConversation,
            &[conversation.as_bytes()],
            Flag::ConversationBudget,
        ),
        (
            Class::TurnsWithContact,
            &[contact.as_bytes()],
            Flag::ContactBudget,
        ),
        (Class::Turns, &[], Flag::TenantBudget),
    ];
    for (class, of, flag) in turns {
        if let Err(Wait(_)) = desk.platform.admit(scope, class, of).await {
            return Some(flag);
        }
    }
    // One more for the answer, which is not known yet.
    for _ in 0..=characters / CHARACTERS {
        if let Err(Wait(_)) = desk.platform.admit(scope, Class::ModelTokens, &[]).await {
            return Some(Flag::TenantBudget);
        }
    }
    None
}
