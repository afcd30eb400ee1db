//! Fetching from addresses that others give.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Client, Response, Url};
use tokio::time::Instant;

use super::guard::{Refusal, is_public, public_address};
use super::{Web, header_map};

/// Redirects that are followed.
const REDIRECTS: usize = 3;

/// How much may be fetched, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the body.
    pub bytes: u64,
    /// From the first look-up to the last byte.
    pub time: Duration,
}

/// Why there is nothing. Says nothing of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchRefused {
    /// The address, or one that it redirects to, is none to fetch from. Another attempt does not help.
    #[error("address refused: {0}")]
    Address(#[from] Refusal),
    /// It redirects too often, or to nowhere. Another attempt does not help.
    #[error("too many redirects")]
    Redirects,
    /// It has more bytes than allowed. Another attempt does not help.
    #[error("too large")]
    TooLarge,
    /// It answered with this status.
    #[error("status {0}")]
    Status(u16),
    /// It could not be reached, or went silent.
    #[error("unreachable")]
    Unreachable,
    /// It took too long.
    #[error("took too long")]
    TimeUp,
}

impl FetchRefused {
    /// Whether another attempt may end otherwise.
    pub const fn is_transient(self) -> bool {
        match self {
            Self::Address(_) | Self::Redirects | Self::TooLarge => false,
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500..),
            Self::Unreachable | Self::TimeUp => true,
        }
    }
}

/// What was found, as far as its head. Its body comes in pieces, so that no file has to fit into memory.
pub struct Fetched {
    /// Where it was found, after every redirect.
    pub address: String,
    /// The media type that the server claims, as it says it.
    pub media_type: Option<String>,
    response: Response,
    left: u64,
    end: Instant,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fetched(..)")
    }
}

impl Fetched {
    /// The next piece of the body; `None` at its end. What the server said about its size is not believed.
    ///
    /// # Errors
    /// [`FetchRefused`]: too large, silent, or out of time.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, FetchRefused> {
        let piece = tokio::time::timeout_at(self.end, self.response.chunk()).await;
        let piece = piece.map_err(|_| FetchRefused::TimeUp)?;
        let Some(piece) = piece.map_err(|_| FetchRefused::Unreachable)? else {
            return Ok(None);
        };
        let size = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(size).ok_or(FetchRefused::TooLarge)?;
        Ok(Some(piece))
    }

    /// The whole body, for what is small.
    ///
    /// # Errors
    /// As [`Fetched::piece`].
    pub async fn whole(mut self) -> Result<Vec<u8>, FetchRefused> {
        let mut whole = Vec::new();
        while let Some(piece) = self.piece().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }
}

impl Web {
    /// Fetches from an address that somebody gave: https, port 443, and nothing but the public net, at every redirect
    /// and for every number that its name stands for. `headers` go to the first host alone; names in lower case.
    ///
    /// # Errors
    /// [`FetchRefused`]. Any status but 200 is one.
    pub async fn fetch(
        &self,
        address: &str,
        headers: &[(&str, &str)],
        limits: Limits,
    ) -> Result<Fetched, FetchRefused> {
        let end = Instant::now() + limits.time;
        let find = self.follow(address, headers);
        let response = tokio::time::timeout_at(end, find).await;
        let response = response.map_err(|_| FetchRefused::TimeUp)??;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchRefused::Status(response.status().as_u16()));
        }
        // A size that is announced spares the way; one that is not, or is wrong, is found while reading.
        if response.content_length().is_some_and(|size| size > limits.bytes) {
            return Err(FetchRefused::TooLarge);
        }
        let media_type = response.headers().get(CONTENT_TYPE);
        Ok(Fetched {
            address: response.url().as_str().to_owned(),
            media_type: media_type
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            left: limits.bytes,
            end,
            response,
        })
    }

    async fn follow(&self, address: &str, headers: &[(&str, &str)]) -> Result<Response, FetchRefused> {
        let mut headers = header_map(headers.iter().copied()).ok_or(Refusal::Malformed)?;
        let (mut client, mut url) = self.admit(address)?;
        for _ in 0..=REDIRECTS {
            let response = client.get(url.clone()).headers(headers.clone()).send().await;
            let response = response.map_err(|error| refused(&error))?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let next = target(&url, response.headers()).ok_or(FetchRefused::Redirects)?;
            let before = url.origin();
            (client, url) = self.admit(&next)?;
            if url.origin() != before {
                headers = HeaderMap::new();
            }
        }
        Err(FetchRefused::Redirects)
    }

    /// The client that may fetch from this address.
    fn admit(&self, address: &str) -> Result<(&Client, Url), FetchRefused> {
        let mut local = self.shared.local.iter();
        let (client, url) = match local.find_map(|origin| local_address(origin, address)) {
            Some(url) => (self.shared.calls(), url),
            None => (self.shared.fetches(), public_address(address)?),
        };
        Ok((client.ok_or(FetchRefused::Unreachable)?, url))
    }
}

/// The address, if it is of the local origin: the same to the letter.
fn local_address(origin: &str, address: &str) -> Option<Url> {
    let rest = address.strip_prefix(origin)?;
    let whole = rest.is_empty() || rest.starts_with('/');
    let url = Url::parse(address).ok()?;
    (whole && url.origin() == Url::parse(origin).ok()?.origin()).then_some(url)
}

/// Where a redirect leads, made whole. What was whole stays as it was written, for the guard to judge.
fn target(from: &Url, headers: &HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    if location.contains("://") && Url::parse(location).is_ok() {
        return Some(location.to_owned());
    }
    Some(from.join(location).ok()?.into())
}

/// A name that stands for something private.
#[derive(Debug, thiserror::Error)]
#[error("the name stands for an address that is not public")]
struct NotPublic;

pub(super) fn refused(error: &reqwest::Error) -> FetchRefused {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if cause.is::<NotPublic>() {
            return Refusal::Number.into();
        }
        source = cause.source();
    }
    if error.is_timeout() {
        FetchRefused::TimeUp
    } else {
        FetchRefused::Unreachable
    }
}

/// What a name stands for.
pub(super) trait Lookup: Clone + Send + Sync + 'static {
    /// All its numbers.
    fn numbers(&self, name: &str) -> impl Future<Output = std::io::Result<Vec<SocketAddr>>> + Send;
}

/// As the machine knows it.
#[derive(Clone)]
pub(super) struct SystemLookup;

impl Lookup for SystemLookup {
    async fn numbers(&self, name: &str) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

/// Looks names up, and refuses a name as soon as one of its numbers is not public. The connection goes to the numbers
/// that were looked at: nobody looks up twice.
pub(super) struct PublicNames<L>(pub(super) L);

impl<L: Lookup> Resolve for PublicNames<L> {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.0.clone();
        Box::pin(async move {
            let found = lookup.numbers(name.as_str()).await?;
            if found.iter().all(|number| is_public(number.ip())) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(NotPublic.into())
            }
        })
    }
}
