//! usher-shared
