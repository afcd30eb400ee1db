//! The words of documents in the API.

use serde::{Deserialize, Serialize};
use usher_shared::model;
use utoipa::ToSchema;

usher_aws::words! {
    /// What a document was written as: `web` is read from a web site, the others are uploaded.
    DocumentFormat { Text, Markdown, Html, Csv, Pdf, Web, }
    /// What a document is to the business. Guests are answered from all of them but `voice_sample`.
    DocumentKind { VoiceSample, PriceList, Menu, FloorPlan, Faq, Partners, Other, }
    /// What is worth knowing about what was read: no words at all; pictures alone; pictures on some pages; more than is
    /// read; pages of a site that could not be read, or asked not to be.
    DocumentWarning { Empty, ImagesOnly, ImagesSkipped, Cut, PagesSkipped, }
    /// Why the last look at a web address found nothing. What was read before stays.
    ReadFailure { AddressRefused, OtherSite, Robots, NotFound, Unreachable, TooLarge, NotText, }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_apis_words_are_those_of_the_records() {
        for stored in model::DocumentFormat::ALL {
            let shown = serde_json::to_value(DocumentFormat::from(stored)).unwrap();
            assert_eq!(shown, serde_json::to_value(stored).unwrap());
        }
    }
}
