//! Waiting for something to become true: polls until a deadline, and fails with the last state that it saw.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Longest wait: a cold function on a busy machine of two cores takes seconds, and many tests run at once.
pub const DEADLINE: Duration = Duration::from_secs(120);
/// Between two looks.
pub const PAUSE: Duration = Duration::from_millis(100);

/// Polls until `done` accepts what `look` saw, and returns that.
pub async fn until<T: Debug>(what: &str, look: impl AsyncFn() -> T, done: impl Fn(&T) -> bool) -> T {
    until_within(DEADLINE, what, look, done).await
}

/// Polls for that long.
pub async fn until_within<T: Debug>(
    deadline: Duration,
    what: &str,
    look: impl AsyncFn() -> T,
    done: impl Fn(&T) -> bool,
) -> T {
    let started = Instant::now();
    loop {
        let seen = look().await;
        if done(&seen) {
            return seen;
        }
        assert!(started.elapsed() < deadline, "{what} did not come true in {deadline:?}; the last state was {seen:?}");
        tokio::time::sleep(PAUSE).await;
    }
}
