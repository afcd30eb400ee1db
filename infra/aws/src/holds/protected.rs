//! What holds protect, for whoever walks over many rows.

use std::collections::HashSet;

use usher_shared::ids::{ContactId, ConversationId, HoldId};
use usher_shared::model::ContactRef;
use usher_shared::records::Hold;

/// What the holds of a tenant protect at this moment.
#[derive(Clone, Debug, Default)]
pub struct Protected {
    /// Holds that are not released.
    pub holds: Vec<Hold>,
    whole: HashSet<ContactId>,
    touched: HashSet<ContactId>,
    conversations: HashSet<ConversationId>,
}

impl Protected {
    pub(super) fn by(holds: Vec<Hold>) -> Self {
        let mut protected = Self::default();
        for hold in &holds {
            let contacts = hold.contacts.iter().map(|contact| contact.id);
            protected.touched.extend(contacts.clone());
            match *hold.conversation {
                Some(conversation) => {
                    protected.conversations.insert(conversation);
                }
                None => protected.whole.extend(contacts),
            }
        }
        protected.holds = holds;
        protected
    }

    /// Whether a conversation with this contact must stay.
    pub fn conversation(&self, conversation: ConversationId, contact: ContactId) -> bool {
        self.conversations.contains(&conversation) || self.whole.contains(&contact)
    }

    /// Whether a contact must stay as it is, with everything.
    pub fn whole_contact(&self, contact: ContactId) -> bool {
        self.whole.contains(&contact)
    }

    /// Whether a contact's key must stay, because of the contact or of one of its conversations.
    pub fn contact_key(&self, contact: ContactId) -> bool {
        self.touched.contains(&contact)
    }

    /// Ids of the holds in the way of erasing these contacts, or, if a conversation is named, that alone.
    pub fn in_the_way(&self, contacts: &[ContactRef], conversation: Option<ConversationId>) -> Vec<HoldId> {
        let concerned = |hold: &&Hold| {
            let about_them = hold
                .contacts
                .iter()
                .any(|held| contacts.iter().any(|contact| contact.id == held.id));
            let about_it =
                conversation.is_none() || hold.conversation.is_none() || *hold.conversation == conversation;
            about_them && about_it
        };
        self.holds.iter().filter(concerned).map(|hold| *hold.id).collect()
    }
}
