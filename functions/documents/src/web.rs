//! Reading a web site: its pages by their links, as far as it allows, and nothing inside a network.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;
use usher_aws::web::{FetchRefused, Limits, Web};
use usher_documents::robots::{self, Rules};
use usher_documents::site::{LARGEST_PAGE, Site};
use usher_documents::{MOST_TEXT, decoded, page};
use usher_shared::document::joined;
use usher_shared::model::{DocumentFormat, DocumentWarning, ReadFailure};

use crate::extract;

/// One page has to be there after this long.
const PAGE: Duration = Duration::from_secs(5);
/// A page whose address is longer is left out.
const LONGEST_ADDRESS: usize = 300;

/// What was read of a site.
pub(crate) struct SiteText {
    pub(crate) text: String,
    pub(crate) sources: Vec<String>,
    pub(crate) warnings: Vec<DocumentWarning>,
}

/// A page as it came.
struct Found {
    address: Url,
    /// Its text as Markdown; none if it asks not to be kept.
    text: Option<String>,
    links: Vec<String>,
}

/// Reads the site that begins at an address. Its first page must be there; others that are not are left out.
///
/// # Errors
/// [`ReadFailure`].
pub(crate) async fn read(web: &Web, address: &str, time: Duration) -> Result<SiteText, ReadFailure> {
    let end = Instant::now() + time;
    let start = Url::parse(address).map_err(|_| ReadFailure::AddressRefused)?;
    let mut rules = rules(web, &start, end).await?;
    if !rules.allow(path(&start).as_str()) {
        return Err(ReadFailure::Robots);
    }
    let first = fetch(web, start.as_str(), end).await?;
    if first.address.origin() != start.origin() {
        if !is_same_site(&start, &first.address) {
            return Err(ReadFailure::OtherSite);
        }
        rules = self::rules(web, &first.address, end).await?;
        if !rules.allow(path(&first.address).as_str()) {
            return Err(ReadFailure::Robots);
        }
    }
    let mut site = Site::new(&first.address);
    let _first = site.next_page();
    site.is_read(&start);
    let mut reading = Reading::default();
    reading.add(first, &mut site, true)?;
    while let Some(address) = site.next_page() {
        if !rules.allow(path(&address).as_str()) || address.as_str().len() > LONGEST_ADDRESS {
            reading.skipped = true;
            continue;
        }
        match fetch(web, address.as_str(), end).await {
            Ok(found) if site.holds(&found.address) && rules.allow(path(&found.address).as_str()) => {
                reading.add(found, &mut site, false)?;
            }
            _ => reading.skipped = true,
        }
        if reading.cut || Instant::now() >= end {
            break;
        }
    }
    reading.skipped |= site.has_more();
    Ok(reading.done())
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    pages: Vec<(String, String)>,
    /// Blocks that stood on a page before: what stands on every page is read once.
    known: HashSet<String>,
    size: usize,
    cut: bool,
    skipped: bool,
}

impl Reading {
    fn add(&mut self, found: Found, site: &mut Site, is_first: bool) -> Result<(), ReadFailure> {
        site.is_read(&found.address);
        site.found(&found.address, &found.links);
        let Some(text) = found.text else {
            if is_first {
                return Err(ReadFailure::Robots);
            }
            self.skipped = true;
            return Ok(());
        };
        let mut kept = String::new();
        for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
            if block.starts_with('#') || self.known.insert(block.to_owned()) {
                if self.size + kept.len() + block.len() + 3 > MOST_TEXT {
                    self.cut = true;
                    break;
                }
                kept.push_str(block);
                kept.push_str("\n\n");
            }
        }
        self.size += kept.len();
        if kept.chars().any(char::is_alphanumeric) {
            self.pages.push((found.address.into(), kept));
        }
        Ok(())
    }

    fn done(self) -> SiteText {
        let pages = self.pages.iter();
        let (text, sources) = joined(pages.map(|(address, text)| (address.as_str(), text.as_str())));
        let mut warnings = Vec::new();
        if self.pages.is_empty() {
            warnings.push(DocumentWarning::Empty);
        }
        if self.cut {
            warnings.push(DocumentWarning::Cut);
        }
        if self.skipped {
            warnings.push(DocumentWarning::PagesSkipped);
        }
        SiteText {
            text,
            sources,
            warnings,
        }
    }
}

/// `www` is the same site, and so is `https` instead of `http`.
fn is_same_site(one: &Url, other: &Url) -> bool {
    let host = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        host.strip_prefix("www.").unwrap_or(host).to_owned()
    };
    host(one) == host(other) && one.port_or_known_default() == other.port_or_known_default()
}

/// What the site allows: everything if it has no rules, nothing if nobody can say.
async fn rules(web: &Web, address: &Url, end: Instant) -> Result<Rules, ReadFailure> {
    let Ok(place) = address.join("/robots.txt") else {
        return Err(ReadFailure::AddressRefused);
    };
    let limits = Limits {
        bytes: robots::LARGEST,
        time: left(end),
    };
    match web.fetch(place.as_str(), &[], limits).await {
        Ok(fetched) => match fetched.whole().await {
            Ok(bytes) => Ok(Rules::parse(&decoded(&bytes, None))),
            Err(_) => Ok(Rules::nothing()),
        },
        Err(FetchRefused::Address(_)) => Err(ReadFailure::AddressRefused),
        // RFC 9309, 2.3.1.3: no rules.
        Err(FetchRefused::Status(400..=428 | 430..=499)) => Ok(Rules::default()),
        Err(FetchRefused::Unreachable | FetchRefused::TimeUp) => Err(ReadFailure::Unreachable),
        Err(_) => Ok(Rules::nothing()),
    }
}

async fn fetch(web: &Web, address: &str, end: Instant) -> Result<Found, ReadFailure> {
    let limits = Limits {
        bytes: LARGEST_PAGE,
        time: left(end),
    };
    let fetched = web.fetch(address, &[], limits).await.map_err(failure)?;
    let address = Url::parse(&fetched.address).map_err(|_| ReadFailure::AddressRefused)?;
    let media_type = fetched.media_type.clone().unwrap_or_default();
    let kind = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if !matches!(
        kind.as_str(),
        "text/html" | "application/xhtml+xml" | "text/plain" | "application/pdf"
    ) {
        return Err(ReadFailure::NotText);
    }
    let bytes = fetched.whole().await.map_err(failure)?;
    let (text, links) = match kind.as_str() {
        "application/pdf" => {
            let read = extract::read(DocumentFormat::Pdf, bytes).await;
            let read = read.map_err(|_| ReadFailure::NotText)?;
            let pages: Vec<String> = read.parts.into_iter().map(|(_, text)| text).collect();
            (Some(pages.join("\n\n")), Vec::new())
        }
        "text/plain" => (Some(decoded(&bytes, Some(&media_type)).into_owned()), Vec::new()),
        _ => {
            let page = page(&decoded(&bytes, Some(&media_type)));
            let text = (!page.no_index).then(|| page.text());
            (text, links(&address, &page))
        }
    };
    Ok(Found { address, text, links })
}

/// Where a page leads, made whole.
fn links(address: &Url, page: &usher_documents::Page) -> Vec<String> {
    if page.no_follow {
        return Vec::new();
    }
    let base = page.base.as_deref().and_then(|base| address.join(base).ok());
    let base = base.unwrap_or_else(|| address.clone());
    let whole = page.links.iter().filter_map(|link| base.join(link).ok());
    whole.map(String::from).collect()
}

fn left(end: Instant) -> Duration {
    PAGE.min(end.saturating_duration_since(Instant::now()))
}

fn path(address: &Url) -> String {
    match address.query() {
        Some(query) => format!("{}?{query}", address.path()),
        None => address.path().to_owned(),
    }
}

fn failure(error: FetchRefused) -> ReadFailure {
    match error {
        FetchRefused::Address(_) => ReadFailure::AddressRefused,
        FetchRefused::TooLarge => ReadFailure::TooLarge,
        FetchRefused::Status(401 | 403 | 404 | 410) | FetchRefused::Redirects => ReadFailure::NotFound,
        FetchRefused::Status(_) | FetchRefused::Unreachable | FetchRefused::TimeUp => {
            ReadFailure::Unreachable
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_site_with_and_without_www_is_one() {
        for (one, other, same) in [
            ("https://inn.example/", "https://www.inn.example/en", true),
            ("https://inn.example/", "https://shop.inn.example/", false),
            ("https://inn.example/", "https://inn.example.evil.example/", false),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:9090/", false),
        ] {
            let (one, other) = (Url::parse(one).unwrap(), Url::parse(other).unwrap());
            assert_eq!(is_same_site(&one, &other), same, "{other}");
        }
    }

    #[test]
    fn what_stands_on_every_page_is_read_once_and_too_much_is_cut() {
        let page = |number: u32, text: String| Found {
            address: Url::parse(&format!("https://inn.example/{number}")).unwrap(),
            text: Some(text),
            links: Vec::new(),
        };
        let mut site = Site::new(&Url::parse("https://inn.example/0").unwrap());
        let mut reading = Reading::default();
        for (number, text) in [(1, "# A\n\none\n\nLakeroad 5"), (2, "# B\n\ntwo\n\nLakeroad 5")] {
            reading
                .add(page(number, text.to_owned()), &mut site, false)
                .unwrap();
        }
        reading
            .add(page(3, "word ".repeat(50_000)), &mut site, false)
            .unwrap();
        let read = reading.done();
        assert_eq!(read.text, "# A\n\none\n\nLakeroad 5\u{c}# B\n\ntwo");
        assert_eq!(read.sources, ["https://inn.example/1", "https://inn.example/2"]);
        assert_eq!(read.warnings, [DocumentWarning::Cut]);
    }
}
