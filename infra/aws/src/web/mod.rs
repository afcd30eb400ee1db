//! The one HTTP client of functions: to carriers at the endpoints that are configured ([`Web::call`]), and to addresses
//! that others give ([`Web::fetch`]).
//!
//! Neither follows redirects by itself, asks a proxy, keeps cookies or repeats anything. TLS is rustls on aws-lc, as in
//! the SDK. Certificates are loaded at the first use: functions that never call out never load them.

mod aws;
mod fetch;
pub mod guard;
mod models;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};
use usher_carriers::call::{Answer, Call, Method};

pub use fetch::{FetchRefused, Fetched, Limits};

use crate::settings::Settings;

/// A connection has to be there after this long.
const CONNECT: Duration = Duration::from_secs(3);
/// Idle connections are closed before the other side closes them, or a call would meet one that is just ending.
const IDLE: Duration = Duration::from_secs(15);
/// More of an answer is not read. Carriers answer in a few kilobytes.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFailed {
    /// No connection was made: nothing left.
    #[error("not sent")]
    NotSent,
    /// Something may have left; nobody knows what became of it.
    #[error("outcome unknown")]
    Unknown,
}

/// The way out.
#[derive(Clone)]
pub struct Web {
    shared: Arc<Shared>,
}

struct Shared {
    /// What may be fetched from as if it were on the net: none, or the one origin of the local stack
    /// (`http://127.0.0.1:4500`), where plain HTTP is spoken. Tests have several.
    local: Vec<String>,
    /// Signs calls to AWS.
    signer: Option<aws::Signer>,
    calls: OnceLock<Option<Client>>,
    fetches: OnceLock<Option<Client>>,
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Web")
    }
}

impl Web {
    /// The way out that these settings allow. Opens nothing and loads nothing.
    pub fn new(settings: &Settings) -> Self {
        let local = settings.local_origin().into_iter().collect();
        Self::with(local, aws::Signer::of(settings))
    }

    #[cfg(test)]
    fn with_local(local: Vec<String>) -> Self {
        Self::with(local, None)
    }

    fn with(local: Vec<String>, signer: Option<aws::Signer>) -> Self {
        let shared = Shared {
            local,
            signer,
            calls: OnceLock::new(),
            fetches: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Says `call` to a carrier and gives its answer. Its address is configuration: it is not judged, but for plain
    /// HTTP, which is spoken on one machine only. Takes `limit` at most.
    ///
    /// # Errors
    /// [`CallFailed`]: whether anything can have left.
    pub async fn call(&self, call: &Call, limit: Duration) -> Result<Answer, CallFailed> {
        read(self.send(call, &[], limit).await?).await
    }

    /// Sends a call, with headers beside its own.
    async fn send(
        &self,
        call: &Call,
        more: &[(String, String)],
        limit: Duration,
    ) -> Result<Response, CallFailed> {
        let client = self.shared.calls().ok_or(CallFailed::NotSent)?;
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let own = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let more = more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut request = client
            .request(method, &call.url)
            .headers(header_map(own.chain(more)).ok_or(CallFailed::NotSent)?)
            .timeout(limit);
        if !call.body.is_empty() {
            request = request.body(call.body.clone());
        }
        request.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                CallFailed::NotSent
            } else {
                CallFailed::Unknown
            }
        })
    }
}

/// Reads an answer, as far as answers are read.
async fn read(mut response: Response) -> Result<Answer, CallFailed> {
    let mut body = Vec::new();
    while body.len() < LONGEST_ANSWER {
        let Some(chunk) = response.chunk().await.map_err(|_| CallFailed::Unknown)? else {
            break;
        };
        let room = LONGEST_ANSWER - body.len();
        body.extend(chunk.iter().take(room));
    }
    Ok(Answer {
        status: response.status().as_u16(),
        retry_after: retry_after(&response),
        body,
    })
}

impl Shared {
    fn calls(&self) -> Option<&Client> {
        self.calls.get_or_init(|| self.builder().build().ok()).as_ref()
    }

    fn fetches(&self) -> Option<&Client> {
        let build = || self.public_client(fetch::SystemLookup);
        self.fetches.get_or_init(build).as_ref()
    }

    /// A client that reaches nothing but the public net, whatever `lookup` says that a name stands for.
    fn public_client(&self, lookup: impl fetch::Lookup) -> Option<Client> {
        let names = fetch::PublicNames(lookup);
        self.builder().dns_resolver(names).https_only(true).build().ok()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that builds functions' HTTP clients"
    )]
    fn builder(&self) -> ClientBuilder {
        let builder = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .user_agent("usher")
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE);
        if self.local.is_empty() {
            builder.https_only(true)
        } else {
            // Nothing on one machine has a certificate.
            builder.tls_certs_only([])
        }
    }
}

/// `None` for a header that could not be sent: a line break in a token.
fn header_map<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Option<HeaderMap> {
    let parse = |(name, value): (&str, &str)| {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    headers.map(parse).collect()
}

fn retry_after(response: &Response) -> Option<u64> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let plain = header(RETRY_AFTER.as_str()).and_then(|value| value.trim().parse().ok());
    // Meta has its own words for it.
    plain.or_else(|| usher_carriers::meta::usage::wait_seconds(header))
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod tests;
