//! Why dead letters cannot be shown or redriven.

use deployed::DeployedError;

/// Whatever an SDK says.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Dead letters cannot be shown or redriven.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// The environment has no such queue.
    #[error("{environment} has no dead-letter queue `{queue}`; it has: {known}")]
    UnknownQueue {
        /// What was asked for.
        queue: String,
        /// The environment.
        environment: String,
        /// The queues that there are.
        known: String,
    },
    /// The environment has no dead-letter queue at all.
    #[error("{environment} has no dead-letter queues; look at the suffix, and at the account of your AWS credentials")]
    NoQueues {
        /// The environment.
        environment: String,
    },
    /// A discard of everything.
    #[error("say which letters of {queue} are to be discarded: those of a reason, of an order, or of both")]
    NothingNamed {
        /// The queue.
        queue: String,
    },
    /// SQS did not do what it was asked.
    #[error("SQS could not {action} {queue}; what was done so far stays done, and the command can be run again")]
    Queue {
        /// What was asked.
        action: &'static str,
        /// The queue.
        queue: String,
        /// What SQS said.
        #[source]
        source: Cause,
    },
    /// The audit record cannot be written.
    #[error("the audit record of redrive {redrive} could not be written to {table}; without it no letter is moved")]
    Audit {
        /// The redrive.
        redrive: String,
        /// The orders table.
        table: String,
        /// What DynamoDB said.
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
