//! Models and rules of Usher: ids, time, categories, retention policy, and the registry of records.
//!
//! This crate knows no AWS service, no HTTP and no async runtime; time and randomness are handed in
//! ([`Clock`], [`Entropy`]). Everything in it is deterministic and can be tested without a network.

pub mod ai_notice;
pub mod alert;
pub mod attachment;
pub mod category;
pub mod channel;
pub mod consent;
pub mod document;
pub mod figures;
pub mod find;
pub mod guard;
pub mod identifier;
pub mod ids;
pub mod improvement;
pub mod intents;
pub mod knowledge;
pub mod lead;
pub mod link_request;
pub mod masking;
pub mod merging;
pub mod message;
pub mod model;
pub mod notice;
mod phrases;
pub mod policy;
pub mod privacy;
pub mod published;
pub mod rate;
pub mod record;
pub mod records;
pub mod rights;
pub mod scope;
pub mod sniff;
pub mod switches;
pub mod time;
pub mod untrusted;

pub use category::Category;
pub use ids::Entropy;
pub use policy::TenantPolicy;
pub use record::{Open, Record, Sealed};
pub use time::{Clock, Timestamp};
