//! How long a function waits for others. The generator holds a function's own time against the sum of them.

use std::time::Duration;

/// One call to AWS, from the first byte sent to the last one received.
pub const AWS_CALL: Duration = Duration::from_secs(3);
/// One call to the payment gateway.
pub const GATEWAY_CALL: Duration = Duration::from_secs(10);
/// What is kept of a function's time for the end of a batch: forwarding what is done, and giving back what is not.
pub const END_OF_BATCH: Duration = Duration::from_secs(10);
