//! Why dead-lettered messages cannot be shown or redriven.

use deployed::DeployedError;

/// An SDK's error.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Dead-lettered messages cannot be shown or redriven.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// The environment has no such queue.
    #[error("{environment} has no dead-letter queue `{queue}`; choose one of: {known}")]
    UnknownQueue {
        /// The name that was given.
        queue: String,
        /// The environment.
        environment: String,
        /// The existing queues.
        known: String,
    },
    /// The environment has no dead-letter queue at all.
    #[error("{environment} has no dead-letter queues; check the suffix and the account of your AWS credentials")]
    NoQueues {
        /// The environment.
        environment: String,
    },
    /// A discard without a filter.
    #[error("select the messages of {queue} to discard: by reason, by order, or by both")]
    NothingNamed {
        /// The queue.
        queue: String,
    },
    /// An SQS request failed.
    #[error("SQS could not {action} {queue}; completed work is kept, so run the command again")]
    Queue {
        /// The request, as a phrase.
        action: &'static str,
        /// The queue.
        queue: String,
        /// SQS's error.
        #[source]
        source: Cause,
    },
    /// The audit record cannot be written.
    #[error("the audit record of redrive {redrive} could not be written to {table}; no message is moved without it")]
    Audit {
        /// The redrive.
        redrive: String,
        /// The orders table.
        table: String,
        /// DynamoDB's error.
        #[source]
        source: Cause,
    },
    /// The pipeline cannot be reached.
    #[error("the environment cannot be reached")]
    Deployed(#[from] DeployedError),
}

impl DeadLetterError {
    pub(super) fn queue(action: &'static str, queue: &str, source: impl Into<Cause>) -> Self {
        Self::Queue { action, queue: queue.to_owned(), source: source.into() }
    }
}
