//! Messenger, Instagram and WhatsApp, through the endpoint that Meta posts to, out to the played Graph API.

pub(crate) mod account;
mod guests;
mod news;
mod outages;
mod vectors;
mod windows;
