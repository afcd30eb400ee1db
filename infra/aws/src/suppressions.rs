//! Addresses that get nothing more from a tenant, as keyed hashes.

use std::time::Duration;

use serde_json::json;
use usher_carriers::sms::WHATSAPP;
use usher_shared::Timestamp;
use usher_shared::channel::ChannelKind;
use usher_shared::record::Malformed;
use usher_shared::records::Suppression;
use usher_shared::untrusted::{KeyedHash, Label};

use crate::scope::TenantScope;
use crate::sealing::{DataKey, HashPurpose};
use crate::store::{StoreError, When, Written, keys};

/// A means by which somebody can be reached, and can ask not to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Text messages.
    Sms,
    /// Mail.
    Email,
}

impl Means {
    /// By which means a kind of channel reaches people, if it is one that they can refuse.
    pub const fn of(kind: ChannelKind) -> Option<Self> {
        match kind {
            ChannelKind::Sms => Some(Self::Sms),
            ChannelKind::Email => Some(Self::Email),
            _ => None,
        }
    }

    /// Its name, as stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

fn label(text: &str) -> Result<Label, Malformed> {
    text.parse().map_err(|_| Malformed {
        kind: "suppression",
        field: "means",
    })
}

impl TenantScope {
    /// The pseudonym under which an address is suppressed. The same for all channels of a means: who says STOP to one
    /// number of a tenant has said it to the tenant, and by whatever app that number was used.
    pub fn suppression_hash(&self, means: Means, address: &str) -> KeyedHash {
        let address = match means {
            Means::Sms => address.strip_prefix(WHATSAPP).unwrap_or(address),
            Means::Email => address,
        };
        let parts = [means.name().as_bytes(), address.as_bytes()];
        self.key().hash(HashPurpose::Suppression, &parts)
    }

    /// Whether an address must get nothing more. Read consistently: what was said a moment ago counts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_suppressed(&self, means: Means, address: &str) -> Result<bool, StoreError> {
        let row = keys::suppression(self.tenant(), self.suppression_hash(means, address));
        let found = self.store().get(&row, &DataKey::none(), true).await?;
        Ok(found.is_some_and(|found| found.lifted_at.is_none()))
    }

    /// An address gets nothing more from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suppress(&self, means: Means, address: &str, reason: &str) -> Result<(), StoreError> {
        let hash = self.suppression_hash(means, address);
        let record = Suppression {
            address: hash.into(),
            means: label(means.name())?.into(),
            at: self.now().into(),
            reason: label(reason)?.into(),
            lifted_at: None.into(),
        };
        let row = keys::suppression(self.tenant(), hash);
        let found = self
            .store()
            .insert_or_get(&row, &record, &DataKey::none())
            .await?;
        if found.is_some_and(|found| found.lifted_at.is_some()) {
            let set = vec![
                ("at", json!(self.now())),
                ("reason", json!(label(reason)?)),
                ("lifted_at", json!(null)),
            ];
            let _lifted_meanwhile = self.store().update(&row, set, vec![When::Present]).await?;
        }
        Ok(())
    }

    /// The person allows messages again. Says whether they had been refused.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lift_suppression(&self, means: Means, address: &str) -> Result<Written, StoreError> {
        self.lift_suppression_before(means, address, self.now().plus(Duration::from_millis(1)))
            .await
    }

    /// The person allowed messages again at `asked`: what they refused later stays refused, in whatever order the two
    /// are delivered. Says whether anything was lifted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lift_suppression_before(
        &self,
        means: Means,
        address: &str,
        asked: Timestamp,
    ) -> Result<Written, StoreError> {
        let row = keys::suppression(self.tenant(), self.suppression_hash(means, address));
        let set = vec![("lifted_at", json!(self.now()))];
        let when = vec![
            When::AbsentOrBelow("at", json!(asked)),
            When::Missing("lifted_at"),
        ];
        self.store().update(&row, set, when).await
    }
}
