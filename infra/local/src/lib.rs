//! usher-local
