//! The queue that feeds a stage, those that it forwards to, and its dead-letter queue.

use std::time::Duration;

use order_contract::message::Message;

use super::Signed;
use crate::failure::Failure;

/// A delivery that can never succeed, with what a person needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message as it came.
    pub body: String,
    /// The reason by which dead letters are grouped.
    pub reason: &'static str,
    /// The error and its causes.
    pub error: String,
    /// The id of the message in its source queue.
    pub message_id: String,
    /// The X-Ray trace header, where there was one.
    pub trace: Option<String>,
    /// How it was signed, where it is a webhook: without that a redrive would not be believed.
    pub signed: Option<Signed>,
}

/// A stage's queues.
pub trait Queue: Send + Sync {
    /// Sends each message to its stage; one answer for each, in their order.
    fn forward(&self, messages: &[Message]) -> impl Future<Output = Vec<Result<(), Failure>>> + Send;

    /// Hides deliveries, named by their receipt handles, for that long.
    fn postpone(&self, waits: &[(&str, Duration)]) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Puts a message into the dead-letter queue.
    fn dead_letter(&self, letter: &DeadLetter) -> impl Future<Output = Result<(), Failure>> + Send;
}
