//! Adapters between Usher's rules and AWS: the store on DynamoDB, sealing with KMS, queues, HTTP.
//!
//! Functions reach AWS through this crate alone. Everything that touches a tenant's data starts from a
//! [`TenantScope`], which carries that tenant's own credentials and keys.

pub mod attachments;
pub mod batch;
pub mod channels;
pub mod clients;
pub mod clock;
pub mod confirm;
pub mod contacts;
pub mod conversation;
pub mod cursor;
pub mod deadline;
pub mod files;
pub mod forgetting;
pub mod holds;
pub mod http;
pub mod identifiers;
pub mod lambda;
pub mod mail;
pub mod merging;
mod model_keys;
pub mod platform;
pub mod privacy;
pub mod probe;
mod processing;
mod profiles;
pub mod provision;
pub mod queue;
pub mod rate;
pub mod receipts;
pub mod recordings;
pub mod removals;
pub mod restart;
pub mod restore;
pub mod scope;
pub mod sealing;
pub mod serving;
pub mod settings;
pub mod store;
pub mod suppressions;
pub mod telemetry;
pub mod web;

pub use platform::Platform;
pub use scope::TenantScope;
