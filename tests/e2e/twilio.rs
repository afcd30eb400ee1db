//! Text messages and calls, through the endpoints that Twilio posts to, out to the played Twilio.

mod consent;
pub(crate) mod line;
mod outages;
mod texts;
mod vectors;
mod voice;
