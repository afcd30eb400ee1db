//! Which pages of a web site are read, and in which order: from where it begins, by the links on its pages, and never
//! away from it.

use std::collections::{BTreeSet, VecDeque};

use url::Url;

/// Pages that are read of a site.
pub const PAGES: usize = 25;
/// A larger page is left out.
pub const LARGEST_PAGE: u64 = 1024 * 1024;
/// Addresses that are kept to be read.
const MOST_KNOWN: usize = 1_000;

/// What no page of words is called.
const OTHER_FILES: &str =
    "jpg jpeg png gif webp svg ico avif bmp css js json xml rss zip gz rar 7z exe dmg mp3 mp4 mov avi
webm ogg wav woff woff2 ttf eot doc docx xls xlsx ppt pptx ics vcf";

/// A site being read.
#[derive(Debug)]
pub struct Site {
    origin: url::Origin,
    waiting: VecDeque<Url>,
    known: BTreeSet<String>,
    taken: usize,
}

impl Site {
    /// A site that begins at an address.
    pub fn new(start: &Url) -> Self {
        let mut site = Self {
            origin: start.origin(),
            waiting: VecDeque::new(),
            known: BTreeSet::new(),
            taken: 0,
        };
        site.add(start.clone());
        site
    }

    /// Whether an address is of this site: scheme, host and port are the same.
    pub fn holds(&self, address: &Url) -> bool {
        address.origin() == self.origin
    }

    /// Takes up the links of a page.
    pub fn found(&mut self, page: &Url, links: &[String]) {
        for link in links {
            if let Ok(address) = page.join(link) {
                self.add(address);
            }
        }
    }

    /// Notes that a page was reached by another address, so that it is not read again.
    pub fn is_read(&mut self, address: &Url) {
        if let Some(address) = plain(address.clone()) {
            self.known.insert(address.into());
        }
    }

    /// The next page to read.
    pub fn next_page(&mut self) -> Option<Url> {
        if self.taken >= PAGES {
            return None;
        }
        let next = self.waiting.pop_front()?;
        self.taken += 1;
        Some(next)
    }

    /// Whether there are pages that will not be read.
    pub fn has_more(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn add(&mut self, address: Url) {
        let Some(address) = plain(address).filter(|address| self.holds(address)) else {
            return;
        };
        if self.known.len() < MOST_KNOWN && self.known.insert(address.as_str().to_owned()) {
            self.waiting.push_back(address);
        }
    }
}

/// The address of what may be a page, without the place in it; `None` for what is none.
fn plain(mut address: Url) -> Option<Url> {
    address.set_fragment(None);
    let name = address.path().rsplit('/').next().unwrap_or_default();
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    let other = ending.is_some_and(|ending| OTHER_FILES.split_whitespace().any(|known| known == ending));
    (!other && matches!(address.scheme(), "http" | "https")).then_some(address)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_site_is_read_by_its_links_and_never_left() {
        let start = url("https://inn.example/en/");
        let mut site = Site::new(&start);
        assert_eq!(site.next_page().as_ref(), Some(&start));
        let links = [
            "rooms#suite",
            "/en/rooms",
            "../menu.pdf",
            "photo.JPG",
            "https://other.example/x",
            "http://inn.example/",
            "https://inn.example:444/",
            "//sub.inn.example/",
            "mailto:a@inn.example",
            "javascript:alert(1)",
            "",
            "https://inn.example.evil.example/",
            "https://inn.example@evil.example/",
        ];
        site.found(&start, &links.map(str::to_owned));
        let rest: Vec<String> = std::iter::from_fn(|| site.next_page())
            .map(String::from)
            .collect();
        assert_eq!(
            rest,
            ["https://inn.example/en/rooms", "https://inn.example/menu.pdf"]
        );
        assert!(!site.has_more());
    }

    #[test]
    fn a_site_without_end_ends() {
        let start = url("https://inn.example/");
        let mut site = Site::new(&start);
        let mut read = 0;
        while let Some(page) = site.next_page() {
            let links: Vec<String> = (0..200).map(|number| format!("/day/{read}/{number}")).collect();
            site.found(&page, &links);
            read += 1;
        }
        assert_eq!(read, PAGES);
        assert!(site.has_more());
        assert!(site.known.len() <= MOST_KNOWN);
    }
}
