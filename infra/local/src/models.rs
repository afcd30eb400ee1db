//! The played providers of language models: what functions on this machine ask them with.

pub use crate::world::models::KEY;
