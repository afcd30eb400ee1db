//! Random identifiers of the local stack: message ids, receipts, credentials. The one place here that
//! draws randomness; nothing of the product's own ids comes from it.

/// `bytes` random bytes as lower-case hex.
#[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
pub(crate) fn random_hex(bytes: usize) -> String {
    let mut buffer = vec![0_u8; bytes];
    // A failing system random source leaves zeros: two equal ids then surface as an ordinary conflict.
    if aws_lc_rs::rand::fill(&mut buffer).is_err() {
        tracing::error!("the system's random source failed");
    }
    hex::encode(buffer)
}

/// A random id in the usual 8-4-4-4-12 form.
pub(crate) fn random_uuid() -> String {
    let hex = random_hex(16);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}
