//! Whoever wants in, or wants it to break: lists in tests/vectors/attacks, played against the stack.

mod bombs;
mod requests;
mod tokens;
