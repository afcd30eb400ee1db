//! What a handler must be given before it can do anything.

pub(crate) use usher_aws::http::access::{Granted, PathId, permission};
