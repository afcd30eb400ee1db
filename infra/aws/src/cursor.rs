//! Cursors of lists: opaque, bound to tenant and list, refused when altered.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::scope::TenantScope;

const TAG: usize = 16;

/// The text is not a cursor of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list")]
pub struct InvalidCursor;

/// The cursor that stands for a sort key in `list`.
pub fn encode(scope: &TenantScope, list: &str, sort_key: &str) -> String {
    let tag = scope.key().mac("cursor", &[list.as_bytes(), sort_key.as_bytes()]);
    let mut bytes = tag.as_ref().get(..TAG).unwrap_or_default().to_vec();
    bytes.extend_from_slice(sort_key.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The sort key that a cursor stands for.
///
/// # Errors
/// [`InvalidCursor`] if it was not made by [`encode`] for this tenant and list.
pub fn decode(scope: &TenantScope, list: &str, cursor: &str) -> Result<String, InvalidCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
    let (tag, sort_key) = bytes.split_at_checked(TAG).ok_or(InvalidCursor)?;
    let expected = scope.key().mac("cursor", &[list.as_bytes(), sort_key]);
    let expected = expected.as_ref().get(..TAG).unwrap_or_default();
    aws_lc_rs::constant_time::verify_slices_are_equal(expected, tag).map_err(|_| InvalidCursor)?;
    String::from_utf8(sort_key.to_vec()).map_err(|_| InvalidCursor)
}
