//! What Usher itself says to people.

/// To somebody whose question goes to a person.
pub const HANDED_OVER: &str = "Thank you for your message. One of our team will answer you here.";
