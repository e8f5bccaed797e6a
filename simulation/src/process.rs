//! A process of a function: its memory from one invocation to the next, and a check that its circuit breaker allows a call
//! again in time.

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
/// How long after the last call of a process its circuit may still be open, in milliseconds: the longest opening, and the
/// difference of clocks.
const OPEN_AT_MOST: u64 = 1_000 * PAYMENT_GATEWAY.open_for_at_most.as_secs() + 10_000;

/// The state of a process.
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

/// The gateway behind a watched breaker: an open circuit has to allow another call in time.
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

/// Whether the breaker refused the call.
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
