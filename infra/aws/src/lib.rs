//! usher-aws
