//! The gateway as a stage sees it. Rare answers are counted here, and some mutations act here.

use order_domain::order::{Authorisation, Order};
use order_handlers::circuit_breaker::CircuitOpen;
use order_handlers::failure::Failure;
use order_handlers::ports::{CancelAnswer, CaptureAnswer, Found, Gateway, GatewayAnswer, Inspection};

use crate::mutation::Mutation;
use crate::sometimes;
use crate::world::World;

/// A gateway whose answers are counted.
#[derive(Debug)]
pub(crate) struct Seam<'a, G> {
    pub(crate) gateway: G,
    pub(crate) world: &'a World,
}

impl<G> Seam<'_, G> {
    fn reached(&self, what: &'static str) {
        self.world.state().reached(what);
    }

    /// Counts a rare answer.
    fn counted<T>(
        &self,
        answer: Result<T, Failure>,
        rare: impl FnOnce(&T) -> Option<&'static str>,
    ) -> Result<T, Failure> {
        match &answer {
            Ok(answer) => rare(answer).into_iter().for_each(|what| self.reached(what)),
            Err(Failure::Waiting { cause: Some(cause), .. }) if cause.is::<CircuitOpen>() => {
                self.reached(sometimes::CIRCUIT_REFUSED);
            }
            Err(_) => {}
        }
        answer
    }
}

impl<G: Gateway> Gateway for Seam<'_, G> {
    async fn authorise(&self, order: &Order, attempt: u32) -> Result<GatewayAnswer, Failure> {
        self.counted(self.gateway.authorise(order, attempt).await, |answer| match answer {
            _ if attempt == 1 => None,
            GatewayAnswer::Authorised(_) => Some(sometimes::REAUTHORISED),
            GatewayAnswer::Declined(_) => Some(sometimes::REAUTHORISE_DECLINED),
        })
    }

    async fn find(&self, order: &Order) -> Result<Found, Failure> {
        self.counted(self.gateway.find(order).await, |found| match found {
            Found::Authorised { surplus, .. } | Found::Captured { surplus, .. } if !surplus.is_empty() => {
                Some(sometimes::FOUND_SURPLUS)
            }
            Found::Authorised { .. } => Some(sometimes::FOUND_AUTHORISED),
            Found::Captured { .. } => None,
            Found::Nothing => Some(sometimes::FOUND_NOTHING),
        })
    }

    async fn inspect(&self, order: &Order) -> Result<Inspection, Failure> {
        self.counted(self.gateway.inspect(order).await, |inspection| match inspection {
            Inspection::Expired => Some(sometimes::INSPECTED_EXPIRED),
            Inspection::Captured { refunded } if *refunded > order.refunded => Some(sometimes::REFUND_DONE),
            Inspection::Authorised | Inspection::Captured { .. } => None,
        })
    }

    async fn capture(&self, order: &Order) -> Result<CaptureAnswer, Failure> {
        self.counted(self.gateway.capture(order).await, |answer| {
            (*answer == CaptureAnswer::Expired).then_some(sometimes::CAPTURE_EXPIRED)
        })
    }

    async fn cancel(&self, order: &Order) -> Result<CancelAnswer, Failure> {
        self.counted(self.gateway.cancel(order).await, |answer| {
            (*answer == CancelAnswer::AlreadyCaptured).then_some(sometimes::ALREADY_CAPTURED)
        })
    }

    async fn cancel_payment(&self, order: &Order, payment_intent: &str) -> Result<(), Failure> {
        if self.world.makes(Mutation::SurplusCaptured) {
            let authorisation =
                Authorisation { payment_intent: payment_intent.to_owned(), attempt: 1, capture_before: None };
            let of_surplus = Order { authorisation: Some(authorisation), ..order.clone() };
            return self.gateway.capture(&of_surplus).await.map(drop);
        }
        let answer = self.gateway.cancel_payment(order, payment_intent).await;
        self.counted(answer, |()| Some(sometimes::PAYMENT_CANCELLED))
    }

    async fn refund(&self, order: &Order, amount: u64) -> Result<(), Failure> {
        if self.world.makes(Mutation::RefundSkipped) {
            return Ok(());
        }
        self.counted(self.gateway.refund(order, amount).await, |()| None)
    }
}
