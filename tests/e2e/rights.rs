//! How people ask for what is theirs: on the channel that they write on, by mail, at the platform.

mod asking;
mod platform;
