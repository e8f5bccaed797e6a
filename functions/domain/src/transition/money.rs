//! The money that is due for an order, and the gateway's answers.
//!
//! The states alone say which money is due. So a stage, a redelivery and the reconciler ask the gateway for the same thing
//! with the same idempotency key.

use crate::event::{CommandContext, EventType};
use crate::order::{Authorisation, Order, OrderStatus, PaymentStatus, RejectionReason, ShipmentStatus};
use crate::transition::{Decision, StockEffect, apply};

/// The next request to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyDue {
    /// Capture the whole authorised amount, because the parcel is on its way.
    Capture,
    /// Void the authorisation, because the order was cancelled.
    Void,
    /// Refund this many minor units, because the parcel came back.
    Refund(u64),
}

impl Order {
    /// The next request to the gateway, if any money is due.
    #[must_use]
    pub fn money_due(&self) -> Option<MoneyDue> {
        match (self.payment_status, self.shipment_status) {
            (PaymentStatus::Authorised, ShipmentStatus::None) if self.status == OrderStatus::Cancelled => {
                Some(MoneyDue::Void)
            }
            // A parcel that came back before the capture costs nothing.
            (PaymentStatus::Authorised, ShipmentStatus::Returned) if self.refund_due >= self.total.amount => {
                Some(MoneyDue::Void)
            }
            (
                PaymentStatus::Authorised,
                ShipmentStatus::Dispatched | ShipmentStatus::Delivered | ShipmentStatus::Returned,
            ) => Some(MoneyDue::Capture),
            (PaymentStatus::Captured, _) if self.refund_due > self.refunded => {
                Some(MoneyDue::Refund(self.refund_due - self.refunded))
            }
            _ => None,
        }
    }

    /// The gateway captured the amount. This is recorded even if the order was cancelled meanwhile: then a refund is due.
    #[must_use]
    pub fn captured(&self, context: &CommandContext) -> Decision {
        match (self.payment_status, self.money_due()) {
            (PaymentStatus::Authorised, Some(MoneyDue::Capture | MoneyDue::Void)) => {
                // The parcel of a cancelled order was never dispatched, so the whole amount is due.
                let owed =
                    if self.shipment_status == ShipmentStatus::None { self.total.amount } else { self.refund_due };
                let order = Self { payment_status: PaymentStatus::Captured, refund_due: owed, ..self.clone() };
                let status = order.status_when_done();
                apply(order.transition(EventType::PaymentCaptured, status, StockEffect::None, context))
            }
            _ => self.money_was(&[PaymentStatus::Captured, PaymentStatus::Refunded], "be captured"),
        }
    }

    /// The authorisation expired before the capture, and the gateway gave another one.
    #[must_use]
    pub fn reauthorised(&self, authorisation: Authorisation, context: &CommandContext) -> Decision {
        let wanted = self.money_due() == Some(MoneyDue::Capture) || self.is_authorised_for_dispatch();
        match &self.authorisation {
            Some(old)
                if wanted
                    && authorisation.attempt > old.attempt
                    && authorisation.payment_intent != old.payment_intent =>
            {
                let authorisation = Some(authorisation.with_an_end(context.at));
                let order = Self { authorisation, ..self.clone() };
                apply(order.transition(EventType::PaymentAuthorised, self.status, StockEffect::None, context))
            }
            _ => self.money_was(
                &[PaymentStatus::Authorised, PaymentStatus::Captured, PaymentStatus::Refunded, PaymentStatus::Voided],
                "be re-authorised",
            ),
        }
    }

    /// The authorisation expired before the dispatch, and the gateway declined another: the order is cancelled, and its
    /// stock is released. No money is authorised.
    #[must_use]
    pub fn authorisation_expired(&self, decline_code: String, context: &CommandContext) -> Decision {
        if self.is_authorised_for_dispatch() {
            let order = Self {
                payment_status: PaymentStatus::Voided,
                reason: Some(RejectionReason::PaymentDeclined { decline_code }),
                ..self.clone()
            };
            return apply(order.transition(
                EventType::OrderCancelled,
                OrderStatus::Cancelled,
                StockEffect::Release,
                context,
            ));
        }
        self.money_was(
            &[PaymentStatus::Authorised, PaymentStatus::Captured, PaymentStatus::Refunded, PaymentStatus::Voided],
            "lose its authorisation",
        )
    }

    /// The gateway voided the authorisation.
    #[must_use]
    pub fn voided(&self, context: &CommandContext) -> Decision {
        match self.money_due() {
            Some(MoneyDue::Void) => {
                let order = Self { payment_status: PaymentStatus::Voided, ..self.clone() };
                let status = order.status_when_done();
                apply(order.transition(EventType::PaymentVoided, status, StockEffect::None, context))
            }
            _ => self.money_was(&[PaymentStatus::Voided], "be voided"),
        }
    }

    /// The gateway has refunded `in_all` minor units so far.
    #[must_use]
    pub fn refunded(&self, in_all: u64, context: &CommandContext) -> Decision {
        match self.money_due() {
            // Another worker recorded it; more may be due by now.
            _ if self.refunded > 0 && in_all <= self.refunded => Decision::NoOp,
            Some(MoneyDue::Refund(due)) if in_all == self.refunded + due => {
                let payment_status =
                    if in_all >= self.total.amount { PaymentStatus::Refunded } else { PaymentStatus::Captured };
                apply(Self { payment_status, refunded: in_all, ..self.clone() }.transition(
                    EventType::PaymentRefunded,
                    self.status,
                    StockEffect::None,
                    context,
                ))
            }
            _ => Decision::Reject(self.refusal("be refunded")),
        }
    }

    /// Whether the order does not need a payment at the gateway and never will, because it has another or ended. An order
    /// whose payment is still to be authorised finds it by itself.
    #[must_use]
    pub fn does_not_need_payment(&self, payment_intent: &str) -> bool {
        let asks = self.status.is_open() || self.may_have_unknown_authorisation();
        !self.knows_payment(payment_intent) && !asks
    }

    /// Whether this payment is the order's own authorisation.
    #[must_use]
    pub fn knows_payment(&self, payment_intent: &str) -> bool {
        self.authorisation.as_ref().is_some_and(|held| held.payment_intent == payment_intent)
    }

    /// Whether the order waits for its dispatch with its money authorised.
    #[must_use]
    pub fn is_authorised_for_dispatch(&self) -> bool {
        self.status == OrderStatus::Confirmed
            && self.payment_status == PaymentStatus::Authorised
            && self.shipment_status == ShipmentStatus::None
    }

    fn money_was(&self, passed: &[PaymentStatus], command: &'static str) -> Decision {
        if passed.contains(&self.payment_status) { Decision::NoOp } else { Decision::Reject(self.refusal(command)) }
    }
}
