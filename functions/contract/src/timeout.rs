//! How long a function waits for other services. The generator compares a function's own time with their sum.

use std::time::Duration;

/// One call to AWS, from the first byte sent to the last one received.
pub const AWS_CALL: Duration = Duration::from_secs(3);
/// One call to the payment gateway.
pub const GATEWAY_CALL: Duration = Duration::from_secs(10);
/// The part of a function's time that is reserved for the end of a batch: forwarding the messages that are done, and
/// returning the others to the queue.
pub const END_OF_BATCH: Duration = Duration::from_secs(10);
