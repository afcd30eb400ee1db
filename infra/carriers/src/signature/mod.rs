//! Signatures of webhooks: pure functions over the bytes that came in.

pub mod svix;
