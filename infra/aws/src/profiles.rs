//! Changing what a contact's profile says: by what the person volunteers in a message, and by a person of the business
//! who corrects it.

use serde_json::{Value, json};
use usher_shared::identifier::Identifier;
use usher_shared::ids::ApiKeyId;
use usher_shared::lead::{Correction, MOST_REPLACED, ProfileField};
use usher_shared::model::Profile;
use usher_shared::records::Contact;
use usher_shared::untrusted::KeyedHash;

use crate::scope::TenantScope;
use crate::sealing::HashPurpose;
use crate::store::When;

impl TenantScope {
    /// What the row of a contact that was read must still say for a change of it to count: whoever changed it meanwhile
    /// was first.
    pub fn unchanged(&self, read: &Contact) -> When {
        let same = |field, value: Option<Value>| match value {
            Some(value) => When::Is(field, value),
            None => When::Missing(field),
        };
        When::All(vec![
            When::Is("id", json!(*read.id)),
            When::Is("conversation", json!(*read.conversation)),
            same("lead", read.lead.map(|lead| json!(lead))),
            same("revision", read.revision.map(|revision| json!(revision))),
        ])
    }

    /// Takes down what a person volunteered. What was corrected does not come back: a message may be read twice. Says
    /// whether anything changed.
    pub fn volunteer(&self, contact: &mut Contact, mut volunteered: Profile) -> bool {
        let replaced = contact.corrected.as_ref().map(|known| known.replaced.clone());
        for field in ProfileField::ALL {
            let value = field.of(&mut volunteered);
            let was_wrong = |value: &String| {
                let hash = self.value_hash(field, value);
                replaced.as_ref().is_some_and(|all| all.contains(&hash))
            };
            if value.as_ref().is_some_and(was_wrong) {
                *value = None;
            }
        }
        let mut profile = contact.profile.get().clone();
        let before = profile.clone();
        if !profile.merge(volunteered) {
            return false;
        }
        // What the person says later is from a message again.
        if let Some(correction) = &mut contact.corrected.0 {
            let changed = |field: ProfileField| {
                let (mut before, mut after) = (before.clone(), profile.clone());
                field.of(&mut before) != field.of(&mut after)
            };
            correction.fields.retain(|field| !changed(*field));
        }
        contact.profile = profile.into();
        contact.revision = contact.revision.unwrap_or_default().checked_add(1).into();
        true
    }

    /// Sets fields of a profile as a person of the business says they are; `None` for what there is none of. Says
    /// whether anything changed.
    pub fn correct(
        &self,
        contact: &mut Contact,
        fields: Vec<(ProfileField, Option<String>)>,
        by: ApiKeyId,
    ) -> bool {
        let mut profile = contact.profile.get().clone();
        let mut correction = contact.corrected.0.clone().unwrap_or(Correction {
            at: self.now(),
            by,
            fields: Vec::new(),
            replaced: Vec::new(),
        });
        let mut changed = false;
        for (field, new) in fields {
            let value = field.of(&mut profile);
            if *value == new {
                continue;
            }
            // What is right now is not refused when it is volunteered later.
            let is_right = new.as_ref().map(|new| self.value_hash(field, new));
            correction.replaced.retain(|hash| Some(*hash) != is_right);
            if let Some(old) = value.as_ref() {
                correction.replaced.push(self.value_hash(field, old));
            }
            if !correction.fields.contains(&field) {
                correction.fields.push(field);
            }
            *value = new;
            changed = true;
        }
        if !changed {
            return false;
        }
        let too_many = correction.replaced.len().saturating_sub(MOST_REPLACED);
        correction.replaced.drain(..too_many);
        correction.fields.sort_unstable();
        (correction.at, correction.by) = (self.now(), by);
        contact.corrected = Some(correction).into();
        contact.profile = profile.into();
        contact.revision = contact.revision.unwrap_or_default().checked_add(1).into();
        true
    }

    /// The pseudonym of one field's value, in its one spelling where it has one.
    fn value_hash(&self, field: ProfileField, value: &str) -> KeyedHash {
        let spelled = match field {
            ProfileField::Name => None,
            ProfileField::Email => Identifier::email(value).ok(),
            ProfileField::Phone => Identifier::phone(value).ok(),
        };
        if let Some(identifier) = spelled {
            return self.identifier_hash(&identifier);
        }
        let value = value.to_lowercase();
        let parts = [b"other".as_slice(), value.as_bytes()];
        self.key().hash(HashPurpose::Identifier, &parts)
    }
}
