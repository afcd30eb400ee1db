//! Text messages and calls, through the endpoints that Twilio posts to, out to the played Twilio.

mod consent;
pub(crate) mod journey;
pub(crate) mod line;
mod outages;
pub(crate) mod texts;
mod vectors;
mod voice;
