//! What the gateway still has to be asked for, and what it answered.
//!
//! The money follows the order: what is due can be told from the states alone. So whoever holds the order, a stage, a
//! redelivery or the reconciler, asks the gateway for the same thing under the same idempotency key.

use crate::event::{CommandContext, EventType};
use crate::order::{Authorisation, Order, OrderStatus, PaymentStatus, RejectionReason, ShipmentStatus};
use crate::transition::{Decision, StockEffect, apply};

/// What the gateway has to be asked for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyDue {
    /// Take the whole amount that is held: the parcel is on its way.
    Capture,
    /// Give up what is held: the order was cancelled.
    Void,
    /// Give back this many minor units: the parcel came back.
    Refund(u64),
}

impl Order {
    /// What the gateway has to be asked for next, if anything.
    #[must_use]
    pub fn money_due(&self) -> Option<MoneyDue> {
        match (self.payment_status, self.shipment_status) {
            (PaymentStatus::Authorised, ShipmentStatus::None) if self.status == OrderStatus::Cancelled => {
                Some(MoneyDue::Void)
            }
            // A parcel that came back before its money was taken costs nothing.
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

    /// The gateway took the amount. It is a fact, also where meanwhile it should not have: then it is due to be given back.
    #[must_use]
    pub fn captured(&self, context: &CommandContext) -> Decision {
        match (self.payment_status, self.money_due()) {
            (PaymentStatus::Authorised, Some(MoneyDue::Capture | MoneyDue::Void)) => {
                // A cancelled order's parcel never left: everything is owed.
                let owed =
                    if self.shipment_status == ShipmentStatus::None { self.total.amount } else { self.refund_due };
                let order = Self { payment_status: PaymentStatus::Captured, refund_due: owed, ..self.clone() };
                let status = order.status_when_done();
                apply(order.transition(EventType::PaymentCaptured, status, StockEffect::None, context))
            }
            _ => self.money_was(&[PaymentStatus::Captured, PaymentStatus::Refunded], "be captured"),
        }
    }

    /// The authorisation lapsed before the money was taken, and was made anew.
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
                "be authorised anew",
            ),
        }
    }

    /// The authorisation lapsed before the dispatch, and the gateway refuses another: the order is cancelled and its stock
    /// goes back. Nothing is held.
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
            "lose its hold",
        )
    }

    /// The gateway gave up what it held.
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

    /// The gateway has given that many minor units back in all.
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

    /// Whether a hold at the gateway is none of the order's, and never will be: it has another, or wants none any more. An order
    /// whose payment is still asked for finds it by itself.
    #[must_use]
    pub fn does_not_need_payment(&self, payment_intent: &str) -> bool {
        let asks = self.status.is_open() || self.may_have_unknown_authorisation();
        !self.knows_payment(payment_intent) && !asks
    }

    /// Whether the order's own hold is this one.
    #[must_use]
    pub fn knows_payment(&self, payment_intent: &str) -> bool {
        self.authorisation.as_ref().is_some_and(|held| held.payment_intent == payment_intent)
    }

    /// Whether the order waits for its dispatch with its money held.
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
