//! The pipeline's settings that the simulation needs. The generator's description of the pipeline is where they are
//! decided; a test of this crate compares them.

use std::time::Duration;

use order_domain::wiring::Stage;
use order_handlers::retry::RetryPolicy;

/// The waits of retries of every stage behind a queue.
pub const POLICY: RetryPolicy = RetryPolicy { base: Duration::from_secs(2), cap: Duration::from_secs(600) };
/// Messages in one invocation, at most.
pub const BATCH: usize = 10;
/// Records of the stream in one invocation, at most.
pub const RECORDS: usize = 100;
/// Receives before SQS itself gives a message up.
pub const MAXIMUM_RECEIVES: u32 = 50;
/// How long a queue keeps a message that nobody takes, in milliseconds.
pub const RETENTION: u64 = 4 * 24 * 3600 * 1000;
/// Age at which a record of the stream is given up, in milliseconds.
pub const RECORD_AGE: u64 = 20 * 3600 * 1000;
/// Kept back from an invocation's time by the bootstrap.
pub const RESERVE: Duration = Duration::from_secs(10);
/// Longest time for one call to AWS: the SDK's operation timeout.
pub const AWS_TIMEOUT: u64 = 3_000;
/// Longest time for one call to the gateway.
pub const GATEWAY_TIMEOUT: u64 = 10_000;

/// Time after which Lambda stops the stage's function.
#[must_use]
pub const fn function_timeout(stage: Stage) -> Duration {
    match stage {
        Stage::Validate | Stage::Inventory => Duration::from_secs(30),
        Stage::Payment | Stage::Fulfilment | Stage::Notify => Duration::from_secs(60),
        Stage::Query => Duration::from_secs(10),
    }
}

/// For how long a received message is hidden, in milliseconds: six times the function's timeout.
#[must_use]
pub const fn visibility_timeout(stage: Stage) -> u64 {
    6 * function_timeout(stage).as_secs() * 1000
}
