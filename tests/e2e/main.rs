//! End to end: the whole stack in memory, real function binaries, real HTTP. One binary; the tests share a
//! stack where they can, each with a tenant of its own, and run side by side.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod ai_notice;
mod alerts;
mod archives;
mod attachments;
mod attacks;
mod audit;
mod bad_input;
mod busy;
mod channel_changes;
mod channels;
mod chat;
mod crashes;
mod dead_letters;
mod delivery;
mod documents;
mod erasure;
mod every_channel;
mod export_resume;
mod exports;
mod figures;
mod forms;
mod harness;
mod holds;
mod inbox;
mod injections;
mod isolation;
mod journey;
mod late;
mod leads;
mod limits;
mod lookup;
mod mail;
mod masking;
mod matrix;
mod meta;
mod meter;
mod models;
mod ops;
mod people;
mod periods;
mod permissions;
mod planted;
mod privacy;
mod promises;
mod restore;
mod retention;
mod rights;
mod search;
mod silence;
mod stopped;
mod store;
mod storm;
mod template;
mod tenancy;
mod twilio;
