//! End to end: the whole stack in memory, real function binaries, real HTTP. One binary; the tests share a
//! stack where they can, each with a tenant of its own, and run side by side.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod bad_input;
mod chat;
mod dead_letters;
mod erasure;
mod export_resume;
mod exports;
mod harness;
mod inbox;
mod isolation;
mod limits;
mod lookup;
mod masking;
mod meter;
mod ops;
mod planted;
mod promises;
mod restore;
mod retention;
mod search;
mod store;
mod template;
