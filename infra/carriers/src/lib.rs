//! Carriers: what Meta, Twilio, SES, Resend and a form on a page say on the wire, and what is said to them.
//!
//! Nothing here reads a clock, draws randomness, opens a connection or knows a database. Bytes that came in become
//! [`event::Event`]s; what is to be said becomes a [`call::Call`], and the [`call::Answer`] to it becomes an
//! [`call::Outcome`]. So every rule of every carrier can be tested with bytes alone. Functions bring the bytes.
//!
//! A channel kind is one file. Parsers never panic and never recurse by what they read; what they do not know they
//! say so ([`event::What::Ignored`]), because carriers add kinds without notice and must get their 200.

pub mod call;
pub mod event;
pub mod form;
pub mod mail;
pub mod meta;
pub mod signature;
pub mod sms;
pub mod telegram;
pub mod twilio;
pub mod twiml;
pub mod urlencoded;
pub mod voice;

#[cfg(test)]
mod mutated;
