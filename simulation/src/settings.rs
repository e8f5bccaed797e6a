//! The pipeline's settings that the simulation needs. The generator's description of the pipeline is where they are
//! decided; a test of this crate compares them.

use std::time::Duration;

use order_contract::timeout;
use order_domain::stage::Stage;
use order_handlers::retry::RetryPolicy;

/// Messages in one invocation, at most.
pub const BATCH: usize = 10;
/// Records of the stream in one invocation, at most.
pub const RECORDS: usize = 100;
/// How long a queue keeps a message that nobody takes, in milliseconds.
pub const RETENTION: u64 = 4 * 24 * 3600 * 1000;
/// Age at which a record of the stream moves to the dead-letter queue, in milliseconds.
pub const RECORD_AGE: u64 = 20 * 3600 * 1000;
/// Milliseconds from one sweep to the next.
pub const SWEEP_EVERY: u64 = 60_000;
/// Kept back from an invocation's time by the bootstrap.
pub const RESERVE: Duration = timeout::END_OF_BATCH;
/// Longest time for one call to AWS, in milliseconds.
pub const AWS_TIMEOUT: u64 = 1000 * timeout::AWS_CALL.as_secs();
/// Longest time for one call to the gateway, in milliseconds.
pub const GATEWAY_TIMEOUT: u64 = 1000 * timeout::GATEWAY_CALL.as_secs();
/// Longest time for which a message can be hidden, in milliseconds: 12 hours
/// (docs.aws.amazon.com/AWSSimpleQueueService, quotas-messages).
pub const LONGEST_HIDDEN: u64 = 12 * 3600 * 1000;

/// The waits of retries of a stage behind a queue.
#[must_use]
pub const fn policy(stage: Stage) -> RetryPolicy {
    let cap = if matches!(stage, Stage::Contact) { 900 } else { 600 };
    RetryPolicy { base: Duration::from_secs(2), cap: Duration::from_secs(cap) }
}

/// Receives before SQS itself moves a message of the stage's queue to the dead-letter queue.
#[must_use]
pub const fn maximum_receives(stage: Stage) -> u32 {
    if matches!(stage, Stage::Contact) { 250 } else { 50 }
}

/// Invocations of a stage behind a queue at the same time, at most.
#[must_use]
pub const fn maximum_concurrency(stage: Stage) -> usize {
    match stage {
        Stage::Contact => 5,
        Stage::Reconcile => 2,
        _ => 20,
    }
}

/// Time after which Lambda stops the stage's function.
#[must_use]
pub const fn function_timeout(stage: Stage) -> Duration {
    match stage {
        Stage::Validate | Stage::Inventory | Stage::Contact => Duration::from_secs(30),
        Stage::Notify => Duration::from_secs(90),
        Stage::Reconcile => Duration::from_secs(60),
        Stage::Payment => Duration::from_secs(75),
        Stage::Fulfilment => Duration::from_secs(130),
        Stage::Query => Duration::from_secs(10),
    }
}

/// For how long a received message is hidden, in milliseconds: six times the function's timeout.
#[must_use]
pub const fn visibility_timeout(stage: Stage) -> u64 {
    6 * function_timeout(stage).as_secs() * 1000
}
