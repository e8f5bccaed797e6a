//! A process of a function: what it remembers from one invocation to the next, and whether its circuit breaker lets the
//! gateway be asked again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use order_domain::order::Order;
use order_handlers::circuit_breaker::{CircuitBreaker, CircuitOpen, PAYMENT_GATEWAY, Settings};
use order_handlers::failure::Failure;
use order_handlers::ports::{CancelAnswer, CaptureAnswer, Found, Gateway, GatewayAnswer, Inspection};

use crate::mutation::Mutation;
use crate::plan::Invariant;
use crate::workload::number_of;
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
    /// When it last began or ended a call to the gateway, in milliseconds of the run.
    called_at: AtomicU64,
}

impl Process {
    pub(crate) fn new(world: &World) -> Self {
        let settings = if world.makes(Mutation::BreakerNeverCloses) { NEVER_CLOSES } else { PAYMENT_GATEWAY };
        Self { breaker: CircuitBreaker::new(settings), called_at: AtomicU64::new(0) }
    }
}

/// On which side of a process's breaker a gateway is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// What comes here is on its way to the gateway.
    Behind,
    /// What the breaker refuses comes back here.
    Before,
}

/// A gateway that is watched: a circuit that is open has to let somebody try again, in time.
#[derive(Debug)]
pub(crate) struct Watched<'a, G> {
    pub(crate) gateway: G,
    pub(crate) side: Side,
    pub(crate) process: &'a Process,
    pub(crate) world: &'a World,
}

impl<G> Watched<'_, G> {
    /// A call begins or ends.
    fn mark(&self) {
        if self.side == Side::Behind {
            self.process.called_at.store(self.world.now(), Ordering::Relaxed);
        }
    }

    fn judge<T>(&self, order: &Order, answer: Result<T, Failure>) -> Result<T, Failure> {
        self.mark();
        if self.side == Side::Before && answer.as_ref().is_err_and(is_refused) {
            let now = self.world.now();
            let idle = now.saturating_sub(self.process.called_at.load(Ordering::Relaxed));
            if idle > OPEN_AT_MOST {
                let what = format!("the circuit is open, although nobody called for {} s", idle / 1000);
                self.world.state().broken(Invariant::CircuitTriesAgain, number_of(&order.order_id), now, what);
            }
        }
        answer
    }
}

/// Whether it was the breaker that let nobody call.
fn is_refused(failure: &Failure) -> bool {
    matches!(failure, Failure::Waiting { cause: Some(cause), .. } if cause.is::<CircuitOpen>())
}

impl<G: Gateway> Gateway for Watched<'_, G> {
    async fn authorise(&self, order: &Order, attempt: u32) -> Result<GatewayAnswer, Failure> {
        self.mark();
        self.judge(order, self.gateway.authorise(order, attempt).await)
    }
    async fn find(&self, order: &Order) -> Result<Found, Failure> {
        self.mark();
        self.judge(order, self.gateway.find(order).await)
    }
    async fn inspect(&self, order: &Order) -> Result<Inspection, Failure> {
        self.mark();
        self.judge(order, self.gateway.inspect(order).await)
    }
    async fn capture(&self, order: &Order) -> Result<CaptureAnswer, Failure> {
        self.mark();
        self.judge(order, self.gateway.capture(order).await)
    }
    async fn cancel(&self, order: &Order) -> Result<CancelAnswer, Failure> {
        self.mark();
        self.judge(order, self.gateway.cancel(order).await)
    }
    async fn cancel_payment(&self, order: &Order, payment_intent: &str) -> Result<(), Failure> {
        self.mark();
        self.judge(order, self.gateway.cancel_payment(order, payment_intent).await)
    }
    async fn refund(&self, order: &Order, amount: u64) -> Result<(), Failure> {
        self.mark();
        self.judge(order, self.gateway.refund(order, amount).await)
    }
}
