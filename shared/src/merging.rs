//! Leads that are one person: a lead is a set of contacts, and merging is a union of sets that remembers its parts.
//! Nothing is sealed anew, as contacts keep their keys; and what was merged can be taken apart into exactly what it was.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{ApiKeyId, ContactId, LeadId};
use crate::model::ContactRef;
use crate::record::NotPersonal;
use crate::records::Lead;
use crate::time::Timestamp;
use crate::untrusted::Label;

/// A lead as it was before it was merged into another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedLead {
    /// Its id, under which it comes back.
    pub lead: LeadId,
    /// When it was merged.
    pub at: Timestamp,
    /// The API key of whoever merged it.
    pub by: ApiKeyId,
    contacts: Vec<ContactRef>,
    intents: Vec<Label>,
    created_at: Timestamp,
    last_activity: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own_activity: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    merged: Vec<MergedLead>,
}

impl NotPersonal for MergedLead {}

/// Contacts that one lead can have: what one transaction changes.
pub const MOST_CONTACTS: usize = 40;

/// Why two leads cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotMerge {
    /// A lead is itself already.
    #[error("is the lead itself")]
    Same,
    /// Too many contacts.
    #[error("would have more than {MOST_CONTACTS} contacts together")]
    TooMany,
}

impl MergedLead {
    fn of(lead: &Lead, at: Timestamp, by: ApiKeyId) -> Self {
        Self {
            lead: *lead.id,
            at,
            by,
            contacts: lead.contacts.0.clone(),
            intents: lead.intents.0.clone(),
            created_at: *lead.created_at,
            last_activity: *lead.last_activity,
            own_activity: *lead.own_activity,
            merged: lead.merged.0.clone().unwrap_or_default(),
        }
    }

    fn back(self) -> Lead {
        Lead {
            id: self.lead.into(),
            contacts: self.contacts.into(),
            created_at: self.created_at.into(),
            last_activity: self.last_activity.into(),
            intents: self.intents.into(),
            own_activity: self.own_activity.into(),
            merged: (!self.merged.is_empty()).then_some(self.merged).into(),
        }
    }

    /// What is left without some contacts; `None` if nothing is.
    fn without(mut self, gone: &BTreeSet<ContactId>) -> Option<Self> {
        self.contacts.retain(|contact| !gone.contains(&contact.id));
        let merged = self.merged.into_iter();
        self.merged = merged.filter_map(|part| part.without(gone)).collect();
        (!self.contacts.is_empty()).then_some(self)
    }
}

impl Lead {
    /// The parts that were merged into it.
    pub fn parts(&self) -> &[MergedLead] {
        self.merged.as_deref().unwrap_or_default()
    }

    /// What the person is after, by all parts together.
    pub fn all_intents(&self) -> Vec<Label> {
        fn of(part: &MergedLead) -> Vec<Label> {
            let inner = part.merged.iter().flat_map(of);
            part.intents.iter().cloned().chain(inner).collect()
        }
        let mut all = self.intents.0.clone();
        for intent in self.parts().iter().flat_map(of) {
            if !all.contains(&intent) {
                all.push(intent);
            }
        }
        all
    }

    /// This lead with another one's contacts. Its period is the one that is over first: merging makes nothing stay
    /// longer.
    ///
    /// # Errors
    /// [`CannotMerge`].
    pub fn with(&self, other: &Self, at: Timestamp, by: ApiKeyId) -> Result<Self, CannotMerge> {
        if self.id == other.id {
            return Err(CannotMerge::Same);
        }
        let mut both = self.clone();
        both.contacts.0.extend(other.contacts.iter().copied());
        if both.contacts.len() > MOST_CONTACTS {
            return Err(CannotMerge::TooMany);
        }
        let mut parts = self.parts().to_vec();
        parts.push(MergedLead::of(other, at, by));
        both.take_parts(parts, self.own_activity.unwrap_or(*self.last_activity));
        Ok(both)
    }

    /// This lead without the one that was merged into it, and that one as it was; `None` if it was not.
    pub fn apart(&self, other: LeadId) -> Option<(Self, Self)> {
        let mut parts = self.parts().to_vec();
        let at = parts.iter().position(|part| part.lead == other)?;
        let back = parts.remove(at).back();
        let mut rest = self.clone();
        rest.contacts.0.retain(|contact| !back.contacts.contains(contact));
        rest.take_parts(parts, self.own_activity.unwrap_or(*self.last_activity));
        Some((rest, back))
    }

    /// What is left when some contacts are forgotten: this lead without them, or, once none of its own is left, the
    /// leads that were merged into it. `whole`: none of its own is to be left.
    #[must_use]
    pub fn without(&self, gone: &BTreeSet<ContactId>, whole: bool) -> Vec<Self> {
        let parts = self.parts().iter().cloned();
        let parts: Vec<MergedLead> = parts.filter_map(|part| part.without(gone)).collect();
        let in_parts = |contact: &ContactRef| {
            let mut all = self.parts().iter();
            all.any(|part| part.contacts.contains(contact))
        };
        let has_own = |contact: &&ContactRef| !gone.contains(&contact.id) && !in_parts(contact);
        if whole || !self.contacts.iter().any(|contact| has_own(&contact)) {
            return parts.into_iter().map(MergedLead::back).collect();
        }
        let mut rest = self.clone();
        rest.contacts.0.retain(|contact| !gone.contains(&contact.id));
        if self.merged.is_some() {
            rest.take_parts(parts, self.own_activity.unwrap_or(*self.last_activity));
        }
        vec![rest]
    }

    fn take_parts(&mut self, parts: Vec<MergedLead>, own: Timestamp) {
        let first = parts
            .iter()
            .map(|part| part.last_activity)
            .fold(own, Timestamp::min);
        self.last_activity = first.into();
        self.own_activity = (!parts.is_empty()).then_some(own).into();
        self.merged = (!parts.is_empty()).then_some(parts).into();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::untrusted::KeyedHash;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 + millis)
    }

    fn key() -> ApiKeyId {
        ApiKeyId::derived(at(0), [9; 10])
    }

    fn lead(number: u8, contacts: u8, activity: i64) -> Lead {
        let contact = |at_place: u8| ContactRef {
            address: KeyedHash::from_bytes([number; 16]),
            id: ContactId::derived(at(i64::from(at_place)), [number; 10]),
        };
        Lead {
            id: LeadId::derived(at(0), [number; 10]).into(),
            contacts: (0..contacts).map(contact).collect::<Vec<_>>().into(),
            created_at: at(activity).into(),
            last_activity: at(activity).into(),
            intents: vec![Label::near(&format!("intent_{number}"))].into(),
            own_activity: None.into(),
            merged: None.into(),
        }
    }

    fn merged(into: &Lead, other: &Lead) -> Lead {
        into.with(other, at(999), key()).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_merged_comes_apart_into_exactly_what_it_was(
            contacts in prop::collection::vec(1_u8..4, 4),
            activity in prop::collection::vec(0_i64..100, 4),
            first in 0_usize..2,
        ) {
            let leads: Vec<Lead> = (1_u8..).zip(contacts.iter().zip(&activity)).map(|(n, (contacts, activity))| lead(n, *contacts, *activity)).collect();
            // The third goes into the second before both go into the first, and so does the fourth.
            let second = merged(&leads[1], &leads[2]);
            let all = merged(&merged(&leads[0], &second), &leads[3]);
            prop_assert_eq!(all.contacts.len(), contacts.iter().map(|n| usize::from(*n)).sum::<usize>());
            prop_assert_eq!(*all.last_activity, at(*activity.iter().min().unwrap()));
            let order = [[*second.id, *leads[3].id], [*leads[3].id, *second.id]][first];
            let (rest, one) = all.apart(order[0]).unwrap();
            let (rest, two) = rest.apart(order[1]).unwrap();
            prop_assert_eq!(&rest, &leads[0]);
            let came = [one, two];
            prop_assert!(came.contains(&second) && came.contains(&leads[3]));
            prop_assert_eq!(second.apart(*leads[2].id), Some((leads[1].clone(), leads[2].clone())));
        }
    }

    #[test]
    fn a_lead_is_not_merged_with_itself_or_beyond_what_one_write_changes() {
        let one = lead(1, 20, 1);
        assert_eq!(one.with(&one, at(1), key()), Err(CannotMerge::Same));
        assert_eq!(one.with(&lead(2, 21, 1), at(1), key()), Err(CannotMerge::TooMany));
        assert!(one.with(&lead(2, 20, 1), at(1), key()).is_ok());
        assert_eq!(one.apart(*lead(2, 1, 1).id), None);
    }

    #[test]
    fn who_is_forgotten_leaves_the_others_as_they_were() {
        let (own, part, inner) = (lead(1, 2, 5), lead(2, 2, 3), lead(3, 1, 9));
        let both = merged(&own, &merged(&part, &inner));
        let ids = |leads: &[&Lead]| -> BTreeSet<ContactId> {
            let all = leads.iter().flat_map(|lead| lead.contacts.iter());
            all.map(|contact| contact.id).collect()
        };
        let nobody = BTreeSet::new();
        assert_eq!(both.without(&nobody, false), std::slice::from_ref(&both));
        // All of the part: the lead is what it was. All of its own: the part is what it was.
        assert_eq!(
            both.without(&ids(&[&part, &inner]), false),
            std::slice::from_ref(&own)
        );
        assert_eq!(both.without(&ids(&[&own]), false), [merged(&part, &inner)]);
        assert_eq!(both.without(&nobody, true), [merged(&part, &inner)]);
        assert_eq!(both.without(&ids(&[&own, &part, &inner]), true), []);
        assert_eq!(own.without(&ids(&[&own]), false), []);
        // One of two: it is in nothing that is left, wherever it stood.
        let one = part.contacts[0].id;
        let left = both.without(&[one].into(), false);
        let text = serde_json::to_string(&left[0].contacts.0).unwrap()
            + &serde_json::to_string(&left[0].merged.0).unwrap();
        assert!(!text.contains(&one.to_string()));
        assert_eq!(left[0].contacts.len(), 4);
        assert_eq!(both.all_intents().len(), 3);
    }
}
