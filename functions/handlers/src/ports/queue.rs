//! The queue that feeds a stage, those that it forwards to, and its dead-letter queue.

use std::time::Duration;

use order_contract::message::Message;

use super::Signed;
use crate::failure::Failure;

/// A message for the dead-letter queue, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message's body, unchanged.
    pub body: String,
    /// The reason, which operators search by.
    pub reason: &'static str,
    /// The error and its causes.
    pub error: String,
    /// The id of the message in its source queue.
    pub message_id: String,
    /// The X-Ray trace header, where there was one.
    pub trace: Option<String>,
    /// The signature of a webhook: without it a redriven webhook would be refused.
    pub signed: Option<Signed>,
}

/// A stage's queues.
pub trait Queue: Send + Sync {
    /// Sends each message to its stage; one answer for each, in their order.
    fn forward(&self, messages: &[Message]) -> impl Future<Output = Vec<Result<(), Failure>>> + Send;

    /// Hides deliveries, named by their receipt handles, for that long.
    fn postpone(&self, waits: &[(&str, Duration)]) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Moves a message to the dead-letter queue.
    fn dead_letter(&self, letter: &DeadLetter) -> impl Future<Output = Result<(), Failure>> + Send;
}
