//! Rate limits that several instances share: a token bucket a sender in DynamoDB, and leases of tokens that an
//! instance spends from memory, so that most requests write nothing.
//!
//! Most senders come with a few messages and are gone. What an instance has not seen within a minute, it lets
//! through for one lease's worth of requests without asking: that writes nothing for them, and somebody who
//! comes with many gets at most that much more than the limit, a minute and instance.
//!
//! The bucket's row follows the domain clock, as everything stored does; so do the leases, which end with it.
//! One conditional write takes a lease. Who is refused costs no write until there is a token again.
//!
//! If the store fails, the request is let through with a log line: the gateway's throttle still stands, and a
//! limit that turns a slow table into an outage for everybody protects nobody.
//!
//! A request with a wrong API key is not counted: a key has 192 random bits, so it is not guessed but only
//! costs one small read; a bucket an address would cost a write on top and keep addresses of people who are
//! nobody's contact. The gateway's throttle bounds these requests.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::json;
use usher_shared::ids::TenantId;
use usher_shared::rate::{Class, Limit, Taken, Wait};
use usher_shared::records::RateBucket;
use usher_shared::untrusted::KeyedHash;
use usher_shared::{TenantPolicy, Timestamp};

use crate::platform::Platform;
use crate::scope::TenantScope;
use crate::sealing::{DataKey, HashPurpose};
use crate::store::{Store, StoreError, When, keys};

/// A bucket: whose partition, or the directory's, and the hash of who asks.
type Bucket = (Option<TenantId>, KeyedHash);

/// What an instance remembers of buckets.
#[derive(Default)]
pub(crate) struct Leases(HashMap<Bucket, Lease>);

#[derive(Clone, Copy)]
struct Lease {
    /// Tokens that were taken and not yet spent.
    left: u32,
    taken_at: Timestamp,
    /// The bucket, as this instance last saw it.
    full_at: Timestamp,
    /// Leases that the bucket has given, if this instance ever asked.
    leases: Option<u64>,
}

/// What is not asked for within this time may be forgotten when there is no room.
const LIFE: Duration = Duration::from_mins(1);
/// Buckets that one instance remembers.
const MOST: usize = 10_000;
/// Takers of one bucket race at most this often.
const RACES: usize = 4;

/// What memory says of a request.
enum Known {
    /// It may go on.
    Spend,
    /// It may not.
    Wait(Wait),
    /// The store has to be asked; this is what was last seen there.
    Ask(Option<Lease>),
}

impl Leases {
    fn spend(&mut self, bucket: Bucket, limit: Limit, now: Timestamp) -> Known {
        let Some(lease) = self.0.get_mut(&bucket) else {
            let unasked = Lease {
                left: limit.lease.saturating_sub(1),
                taken_at: now,
                full_at: Timestamp::default(),
                leases: None,
            };
            self.keep(bucket, unasked);
            return Known::Spend;
        };
        let fresh = now.since(lease.taken_at) < limit.life;
        if lease.left > 0 && fresh {
            lease.left -= 1;
            return Known::Spend;
        }
        // What others took since can only have made the bucket emptier.
        match limit.take(lease.full_at, now) {
            Ok(_) if fresh => Known::Ask(lease.leases.is_some().then_some(*lease)),
            Ok(_) => {
                (lease.left, lease.taken_at) = (limit.lease.saturating_sub(1), now);
                Known::Spend
            }
            Err(wait) => Known::Wait(wait),
        }
    }

    fn keep(&mut self, bucket: Bucket, lease: Lease) {
        if self.0.len() >= MOST && !self.0.contains_key(&bucket) {
            self.0
                .retain(|_, kept| lease.taken_at.since(kept.taken_at) < LIFE);
            if self.0.len() >= MOST {
                // What is stored still limits; only the leases are lost.
                self.0.clear();
            }
        }
        self.0.insert(bucket, lease);
    }
}

impl Platform {
    /// Counts one request of `sender`, whose parts appear nowhere but in a keyed hash of the day.
    ///
    /// # Errors
    /// [`Wait`] if it is one too many.
    pub async fn admit(&self, scope: &TenantScope, class: Class, sender: &[&[u8]]) -> Result<(), Wait> {
        let (limit, now) = (class.limit(), scope.now());
        let day = now.day().to_be_bytes();
        let parts: Vec<&[u8]> = [class.name().as_bytes(), &day]
            .into_iter()
            .chain(sender.iter().copied())
            .collect();
        let hash = scope.key().hash(HashPurpose::RateSender, &parts);
        self.count(scope.store(), (Some(scope.tenant()), hash), limit, now)
            .await
    }

    /// Counts one request from a network before any tenant is known.
    ///
    /// # Errors
    /// [`Wait`] if it is one too many.
    pub async fn admit_network(&self, class: Class, network: &str) -> Result<(), Wait> {
        let (limit, now) = (class.limit(), self.clock().now());
        let day = now.day().to_be_bytes();
        let parts: [&[u8]; 3] = [class.name().as_bytes(), &day, network.as_bytes()];
        let hash = match self.directory_key().await {
            Ok(key) => key.hash(HashPurpose::RateSender, &parts),
            Err(error) => {
                tracing::error!(error = %error, "rate limit not checked, request let through");
                return Ok(());
            }
        };
        // Its rows end by themselves, so they need a policy; their category has one period for all tenants.
        let store = Store {
            policy: Some(TenantPolicy::default()),
            ..self.platform_store()
        };
        self.count(&store, (None, hash), limit, now).await
    }

    async fn count(&self, store: &Store, bucket: Bucket, limit: Limit, now: Timestamp) -> Result<(), Wait> {
        let seen = match self.with_leases(|leases| leases.spend(bucket, limit, now)) {
            Known::Spend => return Ok(()),
            Known::Wait(wait) => return Err(wait),
            Known::Ask(seen) => seen,
        };
        match take(store, bucket, limit, seen, now).await {
            Ok((lease, outcome)) => {
                self.with_leases(|leases| leases.keep(bucket, lease));
                outcome
            }
            Err(error) => {
                tracing::error!(error = %error, "rate limit not checked, request let through");
                Ok(())
            }
        }
    }

    fn with_leases<T>(&self, use_them: impl FnOnce(&mut Leases) -> T) -> T {
        use_them(&mut self.leases.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes a lease and spends one token of it, or learns that there is none.
async fn take(
    store: &Store,
    (tenant, sender): Bucket,
    limit: Limit,
    mut seen: Option<Lease>,
    now: Timestamp,
) -> Result<(Lease, Result<(), Wait>), StoreError> {
    let row = match tenant {
        Some(tenant) => keys::rate_bucket(tenant, sender),
        None => keys::public_rate_bucket(sender),
    };
    for _ in 0..RACES {
        let before = seen.map_or(Timestamp::default(), |lease| lease.full_at);
        let (tokens, full_at) = match limit.take(before, now) {
            Ok(Taken { tokens, full_at }) => (tokens, full_at),
            Err(wait) => {
                let lease = Lease {
                    left: 0,
                    taken_at: now,
                    full_at: before,
                    leases: seen.and_then(|lease| lease.leases),
                };
                return Ok((lease, Err(wait)));
            }
        };
        let leases = seen.and_then(|lease| lease.leases).unwrap_or_default() + 1;
        let record = RateBucket {
            sender: sender.into(),
            at: now.into(),
            full_at: full_at.into(),
            leases: leases.into(),
        };
        let when = seen.map_or(When::AbsentOrEnded, |lease| {
            When::Is("leases", json!(lease.leases))
        });
        let found = match store.put_or_get(&row, &record, &DataKey::none(), when).await {
            Ok(found) => found,
            // The row that this instance remembers has ended meanwhile: a full bucket.
            Err(StoreError::Malformed(_)) if seen.is_some() => {
                seen = None;
                continue;
            }
            Err(error) => return Err(error),
        };
        match found {
            None => {
                let lease = Lease {
                    left: tokens - 1,
                    taken_at: now,
                    full_at,
                    leases: Some(leases),
                };
                return Ok((lease, Ok(())));
            }
            Some(other) => {
                seen = Some(Lease {
                    left: 0,
                    taken_at: now,
                    full_at: *other.full_at,
                    leases: Some(*other.leases),
                });
            }
        }
    }
    Err(StoreError::Database {
        operation: "PutItem",
        code: "BucketContended".to_owned(),
    })
}

/// The part of a network address that one sender holds: an IPv4 address, or the /64 of an IPv6 address, all
/// of which is given to one customer of a network. What is no address stands for itself.
pub fn network_of(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        Ok(address) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use usher_shared::time::ManualClock;

    use super::*;
    use crate::clock::SystemEntropy;
    use crate::settings::Settings;

    #[tokio::test]
    async fn a_limit_that_cannot_be_checked_lets_the_request_through() {
        let settings = Settings::from_source(|name| {
            let value = match name {
                "AWS_REGION" => "eu-central-1",
                name if name.starts_with("AWS_ENDPOINT_URL_") => "http://127.0.0.1:1",
                _ => "none",
            };
            Some(value.to_owned())
        });
        let now = Timestamp::from_millis(1_790_000_000_000);
        let clock = Arc::new(ManualClock::at(now));
        let platform = Platform::new(settings, clock, Arc::new(SystemEntropy)).unwrap();
        let bucket = (
            Some(TenantId::derived(now, [1; 10])),
            KeyedHash::from_bytes([2; 16]),
        );
        let store = platform.platform_store();
        let limit = Class::Api.limit();
        // The first ones are let through without asking.
        for _ in 0..=limit.lease {
            assert_eq!(platform.count(&store, bucket, limit, now).await, Ok(()));
        }
    }

    #[test]
    fn who_comes_rarely_is_never_asked_about_and_who_is_refused_stays_refused() {
        let limit = Class::ChatMessages.limit();
        let now = Timestamp::from_millis(1_790_000_000_000);
        let bucket = (
            Some(TenantId::derived(now, [1; 10])),
            KeyedHash::from_bytes([2; 16]),
        );
        let mut leases = Leases::default();
        for minute in 0..3 {
            let at = now.plus(LIFE * minute);
            for _ in 0..limit.lease {
                assert!(matches!(leases.spend(bucket, limit, at), Known::Spend));
            }
            assert!(matches!(leases.spend(bucket, limit, at), Known::Ask(None)));
        }
        let empty = Lease {
            left: 0,
            taken_at: now,
            full_at: now.plus(limit.interval * limit.burst * 2),
            leases: Some(7),
        };
        leases.keep(bucket, empty);
        for later in [now, now.plus(LIFE)] {
            assert!(matches!(leases.spend(bucket, limit, later), Known::Wait(_)));
        }
    }

    #[test]
    fn one_household_is_one_sender() {
        let table = [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
            ("unknown", "unknown"),
        ];
        for (address, network) in table {
            assert_eq!(network_of(address), network);
        }
    }
}
