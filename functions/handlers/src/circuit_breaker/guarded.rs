//! The payment gateway behind a circuit breaker.

use order_contract::metric;
use order_domain::order::Order;

use super::{CircuitBreaker, Effect, Permit};
use crate::failure::Failure;
use crate::ports::{CancelAnswer, CaptureAnswer, Found, Gateway, GatewayAnswer, Inspection, Runtime};

/// A gateway that is not called while its circuit is open.
#[derive(Debug)]
pub struct Guarded<'a, G, R> {
    /// The gateway.
    pub gateway: G,
    /// Its breaker, which outlives the invocation.
    pub breaker: &'a CircuitBreaker,
    /// Clock and metrics.
    pub runtime: R,
}

// Before and after a call, and not around it: a future that is handed on is kept twice in the one that it is handed to.
impl<G, R: Runtime> Guarded<'_, G, R> {
    fn admit(&self, order: &Order) -> Result<Permit, Failure> {
        self.breaker.admit(self.runtime.now()).map_err(|open| Failure::Waiting {
            what: format!("the payment gateway is not asked about order {}", order.order_id),
            wait: open.retry_after,
            cause: Some(std::sync::Arc::new(open)),
        })
    }

    fn record<T>(&self, permit: &Permit, answer: Result<T, Failure>) -> Result<T, Failure> {
        let failed = matches!(answer, Err(Failure::Transient { .. }));
        match self.breaker.record(permit, self.runtime.now(), failed) {
            Effect::None => {}
            Effect::Opened => {
                self.runtime.count(metric::GATEWAY_CIRCUIT_OPENED, 1);
                tracing::error!("the payment gateway fails or is slow: its circuit is open, and work waits");
            }
            Effect::Closed => tracing::info!("the payment gateway answers again: its circuit is closed"),
        }
        answer
    }
}

impl<G: Gateway, R: Runtime> Gateway for Guarded<'_, G, R> {
    async fn authorise(&self, order: &Order, attempt: u32) -> Result<GatewayAnswer, Failure> {
        let permit = self.admit(order)?;
        self.record(&permit, self.gateway.authorise(order, attempt).await)
    }
    async fn find(&self, order: &Order) -> Result<Found, Failure> {
        let permit = self.admit(order)?;
        self.record(&permit, self.gateway.find(order).await)
    }
    async fn inspect(&self, order: &Order) -> Result<Inspection, Failure> {
        let permit = self.admit(order)?;
        self.record(&permit, self.gateway.inspect(order).await)
    }
    async fn capture(&self, order: &Order) -> Result<CaptureAnswer, Failure> {
        let permit = self.admit(order)?;
        self.record(&permit, self.gateway.capture(order).await)
    }
    async fn cancel(&self, order: &Order) -> Result<CancelAnswer, Failure> {
        let permit = self.admit(order)?;
        self.record(&permit, self.gateway.cancel(order).await)
    }
    async fn cancel_payment(&self, order: &Order, payment_intent: &str) -> Result<(), Failure> {
        let permit = self.admit(order)?;
        self.record(&permit, self.gateway.cancel_payment(order, payment_intent).await)
    }
    async fn refund(&self, order: &Order, amount: u64) -> Result<(), Failure> {
        let permit = self.admit(order)?;
        self.record(&permit, self.gateway.refund(order, amount).await)
    }
}
