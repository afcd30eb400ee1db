//! Whether bytes are what they are said to be.

use usher_shared::attachment::AttachmentClaim;
use usher_shared::channel::{AttachmentKind, AttachmentRefusal};
use usher_shared::sniff::{self, HEAD, MediaType, largest};

use super::sha256;

/// Characters of a file's name that are kept.
pub const LONGEST_NAME: usize = 200;

/// Judges a file by its bytes, what is claimed of it, and the media type that its server told, which counts where
/// nothing else is claimed.
///
/// # Errors
/// Why it is not taken.
pub fn judge(
    bytes: &[u8],
    served: Option<&str>,
    claim: &AttachmentClaim,
    kind: AttachmentKind,
) -> Result<MediaType, AttachmentRefusal> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if claim.size.is_some_and(|claimed| claimed != size) {
        return Err(AttachmentRefusal::SizeMismatch);
    }
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let claimed = claim.media_type.as_deref().or(served);
    let found = sniff::judge(head, claimed, kind)?;
    if size > largest(found.kind()) {
        return Err(AttachmentRefusal::TooLarge);
    }
    if claim.sha256.as_ref().is_some_and(|told| *told != sha256(bytes)) {
        return Err(AttachmentRefusal::DigestMismatch);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    fn judged(claim: &AttachmentClaim) -> Result<MediaType, AttachmentRefusal> {
        judge(PNG, None, claim, AttachmentKind::Image)
    }

    #[test]
    fn size_digest_and_type_have_to_be_what_is_claimed_of_them() {
        let claim = AttachmentClaim::default;
        assert_eq!(judged(&claim()), Ok(MediaType::Png));
        let honest = AttachmentClaim {
            size: Some(16),
            sha256: Some(sha256(PNG)),
            media_type: Some("image/png".to_owned()),
            ..claim()
        };
        assert_eq!(judged(&honest), Ok(MediaType::Png));
        let size = AttachmentClaim {
            size: Some(15),
            ..honest.clone()
        };
        assert_eq!(judged(&size), Err(AttachmentRefusal::SizeMismatch));
        let digest = AttachmentClaim {
            sha256: Some(sha256(b"other")),
            ..honest.clone()
        };
        assert_eq!(judged(&digest), Err(AttachmentRefusal::DigestMismatch));
        let media_type = AttachmentClaim {
            media_type: Some("image/jpeg".to_owned()),
            ..honest
        };
        assert_eq!(judged(&media_type), Err(AttachmentRefusal::TypeMismatch));
    }

    #[test]
    fn what_the_server_says_counts_where_nothing_else_is_claimed() {
        let kind = AttachmentKind::Document;
        let silent = AttachmentClaim::default();
        let served = Some("application/pdf");
        assert_eq!(
            judge(PNG, served, &silent, kind),
            Err(AttachmentRefusal::TypeMismatch)
        );
        let told = AttachmentClaim {
            media_type: Some("image/png".to_owned()),
            ..silent
        };
        assert_eq!(judge(PNG, served, &told, kind), Ok(MediaType::Png));
    }

    #[test]
    fn a_picture_may_have_sixteen_megabytes_and_not_a_byte_more() {
        let limit = usize::try_from(largest(AttachmentKind::Image)).unwrap_or_default();
        let mut picture = PNG.to_vec();
        picture.resize(limit, 0);
        let silent = AttachmentClaim::default();
        let judged = |bytes: &[u8]| judge(bytes, None, &silent, AttachmentKind::Image);
        assert_eq!(judged(&picture), Ok(MediaType::Png));
        picture.push(0);
        assert_eq!(judged(&picture), Err(AttachmentRefusal::TooLarge));
    }
}
