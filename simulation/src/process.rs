//! A process of a function: what it remembers from one invocation to the next, and whether its circuit breaker lets the
//! gateway be asked again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use order_handlers::adapters::stripe::{Reply, Transport, Unanswered};
use order_handlers::circuit_breaker::{CircuitBreaker, CircuitOpen, PAYMENT_GATEWAY, Settings};
use order_handlers::failure::Failure;

use crate::mutation::Mutation;
use crate::plan::Invariant;
use crate::world::World;

/// A breaker that opens and never closes, for a mutation.
const NEVER_CLOSES: Settings = Settings {
    open_for: Duration::from_secs(100 * 24 * 3600),
    open_for_at_most: Duration::from_secs(100 * 24 * 3600),
    ..PAYMENT_GATEWAY
};
/// How long after the last call of a process its circuit may still be open, in milliseconds: as long as one is at most, and
/// what clocks disagree by.
const OPEN_AT_MOST: u64 = 1_000 * PAYMENT_GATEWAY.open_for_at_most.as_secs() + 10_000;

/// What lives as long as a process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) breaker: CircuitBreaker,
    /// When it last called the gateway, in milliseconds of the run.
    called_at: AtomicU64,
}

impl Process {
    pub(crate) fn new(world: &World) -> Self {
        let settings = if world.makes(Mutation::BreakerNeverCloses) { NEVER_CLOSES } else { PAYMENT_GATEWAY };
        Self { breaker: CircuitBreaker::new(settings), called_at: AtomicU64::new(0) }
    }

    /// A request that passed the breaker begins or ends.
    pub(crate) fn calls_gateway(&self, world: &World) {
        self.called_at.store(world.now(), Ordering::Relaxed);
    }
}

/// A way to the gateway through a breaker that is watched: a circuit that is open has to let somebody try again, in time.
#[derive(Debug)]
pub(crate) struct BreakerProbe<'a, T> {
    pub(crate) transport: T,
    pub(crate) process: &'a Process,
    pub(crate) world: &'a World,
}

impl<T> BreakerProbe<'_, T> {
    fn judge(&self, reply: Result<Reply, Unanswered>) -> Result<Reply, Unanswered> {
        if reply.as_ref().is_err_and(is_refused) {
            let now = self.world.now();
            let idle = now.saturating_sub(self.process.called_at.load(Ordering::Relaxed));
            if idle > OPEN_AT_MOST {
                let what = format!("the circuit is open, although nobody called for {} s", idle / 1000);
                self.world.state().broken(Invariant::CircuitTriesAgain, None, now, what);
            }
        } else {
            self.process.calls_gateway(self.world);
        }
        reply
    }
}

/// Whether it was the breaker that let nobody call.
fn is_refused(unanswered: &Unanswered) -> bool {
    matches!(unanswered, Unanswered::NotSent(Failure::Waiting { cause: Some(cause), .. }) if cause.is::<CircuitOpen>())
}

impl<T: Transport> Transport for BreakerProbe<'_, T> {
    async fn post(&self, path: &str, key: &str, form: &[(&str, String)], what: &str) -> Result<Reply, Unanswered> {
        self.judge(self.transport.post(path, key, form, what).await)
    }
    async fn get(&self, path: &str, query: &[(&str, String)], what: &str) -> Result<Reply, Unanswered> {
        self.judge(self.transport.get(path, query, what).await)
    }
}
