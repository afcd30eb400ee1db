//! Reading what was given, within its time.

use std::time::Duration;

use usher_aws::http::Problem;
use usher_aws::web::Web;
use usher_documents::Unreadable;
use usher_shared::document::joined;
use usher_shared::model::{DocumentFormat, ReadFailure};

use crate::request::{Draft, From};
use crate::web;

/// A file is read in less than this, or refused. Those within the bounds take a second or two.
const READING: Duration = Duration::from_secs(8);
/// A web site is read for this long while somebody waits; what is left is left out.
const WAITING: Duration = Duration::from_secs(15);

/// Fills a draft with what its source says.
///
/// # Errors
/// 422 with the field and the reason.
pub(crate) async fn fill(way_out: &Web, draft: Draft, from: From) -> Result<Draft, Problem> {
    match from {
        From::Bytes(format, bytes, field) => {
            let found = read(format, bytes).await;
            let found = found.map_err(|message| Problem::invalid_field(field, message))?;
            let parts = found.parts.iter();
            let (text, sources) = joined(parts.map(|(source, text)| (source.as_str(), text.as_str())));
            Ok(Draft {
                text,
                sources,
                warnings: found.warnings,
                ..draft
            })
        }
        From::Address(address) => {
            let read = web::read(way_out, &address, WAITING).await;
            let read = read.map_err(|why| Problem::invalid_field("source_url", words(why)))?;
            Ok(Draft {
                text: read.text,
                sources: read.sources,
                warnings: read.warnings,
                ..draft
            })
        }
    }
}

/// Reads bytes beside the requests' thread, so that time is kept whatever the bytes are.
pub(crate) async fn read(
    format: DocumentFormat,
    bytes: Vec<u8>,
) -> Result<usher_documents::Extracted, String> {
    let reading = tokio::task::spawn_blocking(move || usher_documents::read(format, &bytes));
    match tokio::time::timeout(READING, reading).await {
        Ok(Ok(Ok(found))) => Ok(found),
        Ok(Ok(Err(why))) => Err(why.to_string()),
        // A panic of a parser.
        Ok(Err(_)) => {
            tracing::error!("a document made its parser panic");
            Err(Unreadable::Broken.to_string())
        }
        Err(_) => Err("takes too long to read".to_owned()),
    }
}

fn words(why: ReadFailure) -> &'static str {
    match why {
        ReadFailure::AddressRefused => {
            "must be an https address of the public net, and lead to none that is not"
        }
        ReadFailure::OtherSite => "leads to another site",
        ReadFailure::Robots => "the site asks not to be read",
        ReadFailure::NotFound => "there is no page at this address",
        ReadFailure::Unreachable => "could not be reached, or not in time",
        ReadFailure::TooLarge => "is too large",
        ReadFailure::NotText => "is no page of text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_pdf_says_so() {
        let found = read(DocumentFormat::Pdf, b"a letter".to_vec()).await;
        assert_eq!(found.err().as_deref(), Some("is damaged, or not of this format"));
    }
}
