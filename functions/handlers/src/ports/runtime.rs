//! Clock, chance and metrics: what a simulation replaces to be repeatable.

use std::time::Duration;

use order_domain::time::Timestamp;

/// The lambda_context of a stage.
pub trait Runtime: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// A number in 0..1.
    fn random(&self) -> f64;

    /// How long the work of this invocation may still take.
    fn remaining(&self) -> Duration;

    /// Counts something; the names are those of `order_contract::metric`.
    fn count(&self, metric: &'static str, how_many: usize);

    /// Measures a time.
    fn time(&self, metric: &'static str, how_long: Duration);
}

impl<R: Runtime> Runtime for &R {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
    fn random(&self) -> f64 {
        (**self).random()
    }
    fn remaining(&self) -> Duration {
        (**self).remaining()
    }
    fn count(&self, metric: &'static str, how_many: usize) {
        (**self).count(metric, how_many);
    }
    fn time(&self, metric: &'static str, how_long: Duration) {
        (**self).time(metric, how_long);
    }
}
