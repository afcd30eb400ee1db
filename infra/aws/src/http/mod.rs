//! HTTP as the API's users expect it: problem+json, request ids, bearer keys, cursors, idempotency.

pub mod access;
mod caller;
mod checks;
pub mod document;
mod envelope;
mod idempotency;
mod list;
mod problem;
mod strict;
pub mod words;

pub use caller::Caller;
pub use checks::{Checks, TextRule};
pub use envelope::{App, RequestContext, wrap};
pub use idempotency::{IdempotencyKey, Idempotent, gone};
pub use list::{List, ListQuery, read_page};
pub use problem::{FieldError, Problem, ProblemBody};
pub use strict::{QueryOf, Strict, path_id, read_at};
