//! What is found before a tenant is known.

use usher_shared::ids::{ApiKeyId, ChannelId, TenantId};
use usher_shared::records::{
    ApiKey, AppRemoval, ChannelAddress, DownloadLink, GrantUse, PrivacyCode, RateBucket, SweepPlace,
    TenantEntry,
};
use usher_shared::untrusted::KeyedHash;

use super::{Key, Listing, Range, all, all_listed};

/// Partition of the list of tenants, in the directory: no tenant's role reaches it.
const TENANTS: &str = "dir#tenants";

/// Where the sweep stopped.
pub fn sweep_place() -> Key<SweepPlace> {
    Key::inbox("dir#sweep".to_owned(), "place".to_owned())
}

/// A tenant in the list of all tenants.
pub fn tenant_entry(tenant: TenantId) -> Key<TenantEntry> {
    Key::inbox(TENANTS.to_owned(), tenant.to_string())
}

/// All tenants, oldest first.
pub fn tenant_entries() -> Range {
    all(TENANTS.to_owned())
}

/// A download link in the directory, by the hash of its token.
pub fn download_link(token: KeyedHash) -> Key<DownloadLink> {
    Key::inbox(format!("dir#{token}"), "download".to_owned())
}

/// A request of privacy in the directory, by the hash of its confirmation code. A prefix of its own: who may write
/// these rows may write no others.
pub fn privacy_code(code: KeyedHash) -> Key<PrivacyCode> {
    Key::inbox(format!("dir#privacy#{code}"), "privacy".to_owned())
}

/// A bucket of tokens of a network, before any tenant is known.
pub fn public_rate_bucket(sender: KeyedHash) -> Key<RateBucket> {
    Key::inbox(format!("dir#r#{sender}"), "bucket".to_owned())
}

/// A channel in the directory, by the hash of its public address.
pub fn channel_address(address: KeyedHash) -> Key<ChannelAddress> {
    Key::inbox(format!("dir#{address}"), "channel".to_owned())
}

/// That a channel lives by a grant.
pub fn grant_use(grant: KeyedHash, channel: ChannelId) -> Key<GrantUse> {
    Key::inbox(format!("dir#grants#{grant}"), channel.to_string())
}

/// All channels that live by a grant, of whatever tenant.
pub fn grant_uses(grant: KeyedHash) -> Range {
    all(format!("dir#grants#{grant}"))
}

/// Partition of platforms' notices about people who are still to be looked for.
const REMOVALS: &str = "dir#removals";

/// A platform's notice about a person who is still to be looked for.
pub fn open_app_removal(notice: KeyedHash) -> Key<AppRemoval> {
    Key::inbox(REMOVALS.to_owned(), notice.to_string())
}

/// All of these: few at any time, and none for long.
pub fn open_app_removals() -> Range {
    all(REMOVALS.to_owned())
}

/// A platform's notice about a person who was looked for: found by the hash of its confirmation code, as a request is.
pub fn app_removal(notice: KeyedHash) -> Key<AppRemoval> {
    Key::inbox(format!("dir#privacy#{notice}"), "removal".to_owned())
}

/// An API key in the directory, by the hash of its secret.
pub fn api_key(hash: KeyedHash) -> Key<ApiKey> {
    Key::inbox(format!("dir#{hash}"), "api_key".to_owned())
}

/// Place of an API key in its tenant's list of keys.
pub fn api_key_listing(tenant: TenantId, id: ApiKeyId) -> Listing {
    Listing {
        pk: format!("{tenant}#api-keys"),
        sk: id.to_string(),
    }
}

/// All API keys of a tenant, oldest first.
pub fn api_keys(tenant: TenantId) -> Range {
    all_listed(format!("{tenant}#api-keys"))
}

/// One API key of a tenant by its id, as the list has it.
pub fn api_key_by_id(tenant: TenantId, id: ApiKeyId) -> Range {
    Range {
        from: id.to_string(),
        to: id.to_string(),
        ..api_keys(tenant)
    }
}
