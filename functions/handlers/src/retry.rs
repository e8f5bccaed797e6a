//! How long a delivery waits before its next try: exponential backoff with full jitter.
//!
//! Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

use std::time::Duration;

/// A stage's waits, from the pipeline's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first retry's longest wait.
    pub base: Duration,
    /// The longest wait of any retry.
    pub cap: Duration,
}

impl RetryPolicy {
    /// The wait after that many receives; `chance` in 0..1 picks it between nothing and the longest.
    #[must_use]
    pub fn wait(&self, receive_count: u32, chance: f64) -> Duration {
        let doublings = receive_count.saturating_sub(1).min(20);
        let longest = self.base.saturating_mul(1 << doublings).min(self.cap);
        longest.mul_f64(chance.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { base: Duration::from_secs(2), cap: Duration::from_secs(600) };

    #[test]
    fn the_longest_wait_doubles_up_to_the_cap() {
        let longest = |receives| POLICY.wait(receives, 1.0).as_secs();
        assert_eq!([0, 1, 2, 3, 9, 10, 1000].map(longest), [2, 2, 4, 8, 512, 600, 600]);
    }

    #[test]
    fn chance_spreads_the_waits_over_the_whole_range() {
        assert_eq!(POLICY.wait(5, 0.0), Duration::ZERO);
        assert_eq!(POLICY.wait(5, 0.5), Duration::from_secs(16));
    }
}
