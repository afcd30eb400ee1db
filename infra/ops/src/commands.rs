//! What each command does and prints.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use usher_aws::Platform;
use usher_aws::provision::NewApiKey;
use usher_shared::category::Preset;
use usher_shared::ids::{ApiKeyId, TenantId};
use usher_shared::records::{ApiKey, Tenant};
use usher_shared::scope::Scope;

use crate::OpsError;
use crate::arguments::{Command, Request};
use crate::connect::connect;
use crate::output::{KeyLine, Listed, Output, TenantDetails, TenantLine, masked, progress, retention, time};
use crate::{holds, models, receipts};

/// Tenants whose rows are opened at the same time: each costs a call of KMS.
const AT_ONCE: usize = 8;

impl From<usher_aws::sealing::KeyringError> for OpsError {
    fn from(error: usher_aws::sealing::KeyringError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<usher_aws::store::StoreError> for OpsError {
    fn from(error: usher_aws::store::StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Does what was asked and prints the result.
pub(crate) async fn run(request: Request) -> Result<(), OpsError> {
    let out = Output::new(request.json);
    // The one command that needs no stack: whoever has the files can check.
    if let Command::ReceiptVerify { file, keys } = &request.command {
        return receipts::check(out, file, keys);
    }
    let platform = connect(&request.target).await?;
    match request.command {
        Command::TenantCreate {
            name,
            preset,
            admin,
            scopes,
        } => create_tenant(&platform, out, &name, preset, admin, scopes).await,
        Command::TenantList => list_tenants(&platform, out).await,
        Command::TenantShow { tenant, reveal } => show_tenant(&platform, out, tenant, reveal).await,
        Command::KeyCreate {
            tenant,
            scopes,
            expires,
        } => create_key(&platform, out, tenant, scopes, expires).await,
        Command::KeyList { tenant } => list_keys(&platform, out, tenant).await,
        Command::KeyRotate { tenant, key, overlap } => rotate_key(&platform, out, tenant, key, overlap).await,
        Command::KeyRevoke { tenant, key } => revoke_key(&platform, out, tenant, key).await,
        Command::HoldPlace {
            tenant,
            subject,
            reason,
        } => holds::place(&platform, out, tenant, subject, reason).await,
        Command::HoldRelease { tenant, hold } => holds::release(&platform, out, tenant, hold).await,
        Command::HoldList { tenant, reveal } => holds::list(&platform, out, tenant, reveal).await,
        Command::ModelKeySet { provider } => models::keep_key(&platform, out, provider).await,
        Command::ModelKeyForget { provider } => models::forget_key(&platform, out, provider).await,
        Command::ReceiptVerify { file, keys } => receipts::check(out, &file, &keys),
        Command::RestoreStatus => crate::restore::status(&platform, out).await,
        Command::RestoreReplay { from, dry } => {
            Box::pin(crate::restore::replay(&platform, out, from, dry)).await
        }
    }
}

async fn create_tenant(
    platform: &Platform,
    out: Output,
    name: &str,
    preset: Preset,
    admin: String,
    scopes: Vec<Scope>,
) -> Result<(), OpsError> {
    platform.ensure_platform_key().await?;
    let tenant = platform.create_tenant_of(name, preset, Some(admin)).await?;
    progress(&format!("made tenant {tenant}"));
    let key = platform.create_api_key(tenant, scopes, None).await;
    let key = key.map_err(|error| {
        OpsError::Failed(format!(
            "the tenant is there, its key is not ({error}); try: usher-ops key create {tenant} --scopes all"
        ))
    })?;
    let value = json!({
        "object": "tenant",
        "id": tenant,
        "api_key": {"object": "api_key", "id": key.id, "secret": key.secret.0},
    });
    let text = format!("tenant  {tenant}\n{}", secret_text(&key));
    out.result(&value, &text)
}

fn secret_text(key: &NewApiKey) -> String {
    format!(
        "key     {}\nsecret  {}\nThe secret is stored nowhere and not shown again.",
        key.id, key.secret.0
    )
}

async fn list_tenants(platform: &Platform, out: Output) -> Result<(), OpsError> {
    let mut lines: Vec<TenantLine> = Vec::new();
    let mut after = None;
    loop {
        let page = platform.tenants(after).await?;
        let rows: Vec<Option<Tenant>> = stream::iter(page.tenants)
            .map(|entry| async move { platform.read_tenant(*entry.id).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        // An entry without a row is a tenant whose making was interrupted: nobody has its id.
        lines.extend(rows.iter().flatten().map(line));
        after = page.next;
        if after.is_none() {
            break;
        }
        progress(&format!("{} tenants so far …", lines.len()));
    }
    let text: Vec<String> = lines
        .iter()
        .map(|line| {
            format!(
                "{}  created {}  {:<11}  {}",
                line.id, line.created_at, line.preset, line.name
            )
        })
        .collect();
    let text = if text.is_empty() {
        "There are no tenants.".to_owned()
    } else {
        text.join("\n")
    };
    out.result(&Listed::new(lines), &text)
}

fn line(tenant: &Tenant) -> TenantLine {
    TenantLine {
        object: "tenant",
        id: *tenant.id,
        name: tenant.name.get().clone(),
        preset: match tenant.policy.preset {
            Preset::Hospitality => "hospitality",
            Preset::Website => "website",
            Preset::Mail => "mail",
        },
        created_at: time(*tenant.created_at),
    }
}

async fn show_tenant(platform: &Platform, out: Output, id: TenantId, reveal: bool) -> Result<(), OpsError> {
    let tenant = existing(platform, id).await?;
    let admin = tenant.admin.get().as_ref();
    let details = TenantDetails {
        line: line(&tenant),
        admin: admin.map(|address| if reveal { address.clone() } else { masked(address) }),
        knowledge_version: *tenant.knowledge_version,
        retention_days: retention(&tenant.policy.0.clone().in_force(platform.clock().now())),
    };
    out.result(&details, &details.text())
}

async fn existing(platform: &Platform, id: TenantId) -> Result<Tenant, OpsError> {
    let tenant = platform.read_tenant(id).await?;
    tenant.ok_or_else(|| OpsError::NotFound(format!("<tenant> {id}: there is no such tenant")))
}

async fn create_key(
    platform: &Platform,
    out: Output,
    tenant: TenantId,
    scopes: Vec<Scope>,
    expires: Option<Duration>,
) -> Result<(), OpsError> {
    existing(platform, tenant).await?;
    let end = expires.map(|life| platform.clock().now().plus(life));
    let key = platform.create_api_key(tenant, scopes, end).await?;
    let value = json!({
        "object": "api_key",
        "id": key.id,
        "secret": key.secret.0,
        "expires_at": end.map(time),
    });
    out.result(&value, &secret_text(&key))
}

async fn list_keys(platform: &Platform, out: Output, tenant: TenantId) -> Result<(), OpsError> {
    existing(platform, tenant).await?;
    let mut lines: Vec<KeyLine> = Vec::new();
    let mut after = None;
    loop {
        let page = platform.api_keys(tenant, after).await?;
        lines.extend(page.keys.iter().map(KeyLine::from));
        after = page.next;
        if after.is_none() {
            break;
        }
        progress(&format!("{} keys so far …", lines.len()));
    }
    let text = if lines.is_empty() {
        "The tenant has no keys.".to_owned()
    } else {
        let texts: Vec<String> = lines.iter().map(KeyLine::text).collect();
        texts.join("\n")
    };
    out.result(&Listed::new(lines), &text)
}

async fn existing_key(platform: &Platform, tenant: TenantId, id: ApiKeyId) -> Result<ApiKey, OpsError> {
    existing(platform, tenant).await?;
    let key = platform.api_key(tenant, id).await?;
    key.ok_or_else(|| {
        OpsError::NotFound(format!(
            "<key> {id}: the tenant has no such key; one that was just made is listed after a moment"
        ))
    })
}

async fn rotate_key(
    platform: &Platform,
    out: Output,
    tenant: TenantId,
    id: ApiKeyId,
    overlap: Duration,
) -> Result<(), OpsError> {
    let old = existing_key(platform, tenant, id).await?;
    let now = platform.clock().now();
    if old.revoked_at.is_some() || old.expires_at.is_some_and(|end| end <= now) {
        return Err(OpsError::Failed(format!(
            "<key> {id} has ended; make a new one: usher-ops key create {tenant} --scopes …"
        )));
    }
    // A key that was made for 90 days is followed by one for 90 days.
    let life = old.expires_at.map(|end| end.since(*old.created_at));
    let end = life.map(|life| now.plus(life));
    let new = platform.create_api_key(tenant, old.scopes.0.clone(), end).await?;
    let old_ends = platform.end_api_key(&old, now.plus(overlap)).await;
    // Whatever became of the old key, the new one is there and its secret is shown this once.
    let ends = old_ends.as_ref().ok().copied().flatten();
    let value = json!({
        "object": "api_key",
        "id": new.id,
        "secret": new.secret.0,
        "expires_at": end.map(time),
        "replaces": {"object": "api_key", "id": id, "expires_at": ends.map(time)},
    });
    let ends_text = ends.map_or_else(|| "has no end yet".to_owned(), |at| format!("ends {}", time(at)));
    out.result(
        &value,
        &format!("{}\nThe old key {id} {ends_text}.", secret_text(&new)),
    )?;
    match old_ends {
        Ok(_) => Ok(()),
        Err(error) => Err(OpsError::Failed(format!(
            "the old key still works ({error}); end it by: usher-ops key revoke {tenant} {id}"
        ))),
    }
}

async fn revoke_key(
    platform: &Platform,
    out: Output,
    tenant: TenantId,
    id: ApiKeyId,
) -> Result<(), OpsError> {
    let key = existing_key(platform, tenant, id).await?;
    let at = platform.revoke_api_key(&key).await?;
    let at = at.ok_or_else(|| OpsError::NotFound(format!("<key> {id}: the key is gone")))?;
    let value = json!({"object": "api_key", "id": id, "revoked_at": time(at)});
    out.result(&value, &format!("{id} is revoked since {}", time(at)))
}
