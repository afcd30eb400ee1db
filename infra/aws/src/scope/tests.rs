//! The tenants that a warm instance remembers: few, not for long, and none for another.
#![expect(clippy::unwrap_used, reason = "tests")]

use usher_shared::TenantPolicy;
use usher_shared::masking::Masking;

use super::*;
use crate::clients::Clients;
use crate::clock::SystemEntropy;
use crate::settings::Settings;

fn tenant(number: usize) -> TenantId {
    let mut tail = [0; 10];
    tail[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
    TenantId::derived(Timestamp::from_millis(1), tail)
}

fn clients() -> Clients {
    Clients::new(&Settings::from_source(|name| {
        name.starts_with("AWS_").then(|| "us-east-1".to_owned())
    }))
    .unwrap()
}

fn warm(clients: &Clients, tenant: TenantId, entered_at: Timestamp) -> WarmTenant {
    WarmTenant {
        dynamodb: clients.dynamodb.clone(),
        credentials: Credentials::new(tenant.to_string(), "secret", None, None, "test"),
        key: TenantKey::generate(&SystemEntropy),
        row: Tenant {
            id: tenant.into(),
            created_at: entered_at.into(),
            policy: TenantPolicy::default().into(),
            masking: Masking::ALL.into(),
            knowledge_version: 0.into(),
            ai: None.into(),
            ai_notices: None.into(),
            intents: None.into(),
            improvement: None.into(),
            name: "Venue".to_owned().into(),
            admin: None.into(),
        },
        row_read_at: entered_at,
        entered_at,
        uses: 1,
    }
}

#[test]
fn p_sec_02_credentials_are_kept_for_each_tenant_by_itself_and_the_oldest_make_room() {
    let clients = clients();
    let mut all = Warm::default();
    let at = |number: usize| Timestamp::from_millis(i64::try_from(number).unwrap());
    for number in 0..3 * MAX_TENANTS {
        all.keep(tenant(number), warm(&clients, tenant(number), at(number)));
        assert!(all.tenants.len() <= MAX_TENANTS, "after {number}");
    }
    let now = at(3 * MAX_TENANTS);
    for number in 0..3 * MAX_TENANTS {
        let found = all.take(tenant(number), now);
        let found = found.map(|warm| warm.credentials.access_key_id().to_owned());
        let expected = (number >= 2 * MAX_TENANTS).then(|| tenant(number).to_string());
        assert_eq!(found, expected, "{number}");
    }
    // One that is entered again takes its own place.
    let youngest = 3 * MAX_TENANTS - 1;
    all.keep(tenant(youngest), warm(&clients, tenant(youngest), now));
    assert_eq!(all.tenants.len(), MAX_TENANTS);
    assert!(all.take(tenant(2 * MAX_TENANTS), now).is_some());
}

#[test]
fn p_sec_02_credentials_are_fetched_again_after_five_minutes_or_ten_thousand_uses() {
    let clients = clients();
    let start = Timestamp::from_millis(1_000);
    let kept = || {
        let mut all = Warm::default();
        all.keep(tenant(1), warm(&clients, tenant(1), start));
        all
    };
    assert!(kept().take(tenant(1), start.plus(MAX_AGE)).is_some());
    let mut all = kept();
    let late = start.plus(MAX_AGE + Duration::from_millis(1));
    assert!(all.take(tenant(1), late).is_none());
    assert!(all.tenants.is_empty(), "nothing is kept of what is over");
    let mut all = kept();
    let uses = (0..2 * MAX_USES)
        .take_while(|_| all.take(tenant(1), start).is_some())
        .count();
    // The entering was the first use.
    assert_eq!(u32::try_from(uses).unwrap(), MAX_USES - 1);
    assert!(kept().take(tenant(2), start).is_none());
}
