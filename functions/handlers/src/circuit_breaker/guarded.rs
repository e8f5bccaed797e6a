//! The payment gateway behind a circuit breaker.

use order_domain::order::Order;
use order_domain::wiring::metric;

use super::{CircuitBreaker, Effect};
use crate::failure::Failure;
use crate::ports::{CaptureAnswer, Found, Gateway, GatewayAnswer, Inspection, Runtime, VoidAnswer};

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

impl<G: Gateway, R: Runtime> Guarded<'_, G, R> {
    async fn call<T>(&self, order: &Order, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let permit = self.breaker.admit(self.runtime.now()).map_err(|open| Failure::Waiting {
            what: format!("the payment gateway is not asked about order {}", order.order_id),
            wait: open.retry_after,
            cause: Some(std::sync::Arc::new(open)),
        })?;
        let answer = call.await;
        let failed = matches!(answer, Err(Failure::Transient { .. }));
        match self.breaker.record(&permit, self.runtime.now(), failed) {
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
        self.call(order, self.gateway.authorise(order, attempt)).await
    }
    async fn find(&self, order: &Order) -> Result<Found, Failure> {
        self.call(order, self.gateway.find(order)).await
    }
    async fn inspect(&self, order: &Order) -> Result<Inspection, Failure> {
        self.call(order, self.gateway.inspect(order)).await
    }
    async fn capture(&self, order: &Order) -> Result<CaptureAnswer, Failure> {
        self.call(order, self.gateway.capture(order)).await
    }
    async fn void(&self, order: &Order) -> Result<VoidAnswer, Failure> {
        self.call(order, self.gateway.void(order)).await
    }
    async fn give_up(&self, order: &Order, payment_intent: &str) -> Result<(), Failure> {
        self.call(order, self.gateway.give_up(order, payment_intent)).await
    }
    async fn refund(&self, order: &Order, amount: u64) -> Result<(), Failure> {
        self.call(order, self.gateway.refund(order, amount)).await
    }
}
