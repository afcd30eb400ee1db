//! The whole stack on one machine: built from `template.yaml`, running the real function binaries, with
//! the cloud's services embedded as libraries. A tool for developers and tests, not the product.

pub mod backup;
mod batch;
pub mod binaries;
pub mod callers;
pub mod cli;
mod client;
pub mod clock;
pub mod console;
mod control;
pub mod demo;
pub mod dynamodb;
pub mod environment;
pub mod faults;
mod files;
pub mod filters;
pub mod gateway;
mod home;
mod ids;
pub mod kms;
mod launch;
pub mod meta;
pub mod meter;
pub mod models;
mod outbox;
pub mod permissions;
pub mod proxy;
mod queues;
pub mod runtime;
pub mod s3;
pub mod schedules;
pub mod seed;
mod server;
pub mod sqs;
pub mod stack;
#[cfg(test)]
mod stack_tests;
mod streams;
pub mod sts;
pub mod template;
pub mod twilio;
mod world;

pub use stack::{Binaries, Data, Options, Stack, StartError, start};
