//! The one HTTP client of the local stack: loopback only, no redirects, no proxies.

use std::time::Duration;

/// A client for calls to this machine. A proxy set in the environment must never see them.
/// Nothing here speaks TLS, so no certificates are loaded.
#[expect(clippy::disallowed_methods, reason = "the one place that builds HTTP clients")]
pub(crate) fn loopback() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_mins(2))
        .build()
        .unwrap_or_default()
}
