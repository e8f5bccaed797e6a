//! What the warehouse and the carrier report, and the customer's cancellation.

use crate::event::{CommandContext, EventType};
use crate::order::{CancellationReason, Order, OrderStatus, PaymentStatus, Shipment, ShipmentStatus};
use crate::transition::{Decision, Refusal, StockEffect, apply};

impl Order {
    /// The parcel was handed to the carrier: the stock is sold, and the money is due.
    #[must_use]
    pub fn dispatched(&self, shipment: Shipment, context: &CommandContext) -> Decision {
        match (self.status, self.shipment_status) {
            (OrderStatus::Confirmed, ShipmentStatus::None) => apply(
                Self { shipment_status: ShipmentStatus::Dispatched, shipment: Some(shipment), ..self.clone() }
                    .transition(EventType::ShipmentDispatched, OrderStatus::Confirmed, StockEffect::Sell, context),
            ),
            (_, ShipmentStatus::None) => self.refuse_or_wait("be dispatched"),
            _ if self.shipment.as_ref() == Some(&shipment) => Decision::NoOp,
            // One parcel has one number: which is right, a person has to find out.
            _ => Decision::Reject(self.refusal("be dispatched again as another parcel")),
        }
    }

    /// The customer has the parcel. With the money taken too, the order is completed.
    #[must_use]
    pub fn delivered(&self, context: &CommandContext) -> Decision {
        match self.shipment_status {
            ShipmentStatus::Dispatched => {
                let order = Self { shipment_status: ShipmentStatus::Delivered, ..self.clone() };
                let status = order.status_when_done();
                apply(order.transition(EventType::ShipmentDelivered, status, StockEffect::None, context))
            }
            ShipmentStatus::Delivered | ShipmentStatus::Returned => Decision::NoOp,
            ShipmentStatus::None => self.refuse_or_wait("be delivered"),
        }
    }

    /// The parcel came back; `refund` minor units are owed to the customer for it, or everything. A parcel that never arrived
    /// cancels the order. Of several reports the one that owes most counts, so that their order does not.
    #[must_use]
    pub fn returned(&self, refund: Option<u64>, context: &CommandContext) -> Decision {
        let owed = refund.unwrap_or(self.total.amount);
        match self.shipment_status {
            ShipmentStatus::None => self.refuse_or_wait("be returned"),
            _ if owed > self.total.amount => Decision::Reject(self.refusal("refund more than it costs")),
            ShipmentStatus::Dispatched | ShipmentStatus::Delivered => {
                let status = match self.shipment_status {
                    ShipmentStatus::Delivered => self.status,
                    _ => OrderStatus::Cancelled,
                };
                let order = Self { shipment_status: ShipmentStatus::Returned, refund_due: owed, ..self.clone() };
                apply(order.transition(EventType::ShipmentReturned, status, StockEffect::None, context))
            }
            // What was owed before is settled first: one refund, one key, one amount.
            ShipmentStatus::Returned if owed > self.refund_due && self.money_due().is_some() => {
                Decision::Defer(self.refusal("refund more"))
            }
            ShipmentStatus::Returned if owed > self.refund_due => {
                let order = Self { refund_due: owed, ..self.clone() };
                apply(order.transition(EventType::RefundRaised, self.status, StockEffect::None, context))
            }
            ShipmentStatus::Returned => Decision::NoOp,
        }
    }

    /// The customer does not want it any more: legal until it is dispatched, and then refused, which is an event too.
    #[must_use]
    pub fn cancelled(&self, reason: CancellationReason, context: &CommandContext) -> Decision {
        match (self.status, self.shipment_status) {
            (OrderStatus::Validated | OrderStatus::Reserved | OrderStatus::Confirmed, ShipmentStatus::None) => {
                let stock =
                    if self.status == OrderStatus::Validated { StockEffect::None } else { StockEffect::Release };
                apply(Self { cancellation: Some(reason), ..self.clone() }.transition(
                    EventType::OrderCancelled,
                    OrderStatus::Cancelled,
                    stock,
                    context,
                ))
            }
            // There is nothing left to cancel.
            (
                OrderStatus::Cancelled | OrderStatus::Rejected | OrderStatus::OutOfStock | OrderStatus::PaymentDeclined,
                _,
            ) => Decision::NoOp,
            _ => self.cancellation_refused(reason, context),
        }
    }

    /// The order cannot be cancelled any more: the customer hears that it is too late, and the history shows once that it was
    /// asked for.
    fn cancellation_refused(&self, reason: CancellationReason, context: &CommandContext) -> Decision {
        if self.cancellation.is_some() {
            return Decision::NoOp;
        }
        let order = Self { cancellation: Some(reason), ..self.clone() };
        apply(order.transition(EventType::CancellationRefused, self.status, StockEffect::None, context))
    }

    /// Completed when the customer has, or had, the parcel and its money is settled, and never otherwise.
    pub(super) fn status_when_done(&self) -> OrderStatus {
        let settled = match (self.shipment_status, self.payment_status) {
            (
                ShipmentStatus::Delivered | ShipmentStatus::Returned,
                PaymentStatus::Captured | PaymentStatus::Refunded,
            ) => true,
            // It came back before its money was taken.
            (ShipmentStatus::Returned, PaymentStatus::Voided) => true,
            _ => false,
        };
        if self.status == OrderStatus::Confirmed && settled { OrderStatus::Completed } else { self.status }
    }

    /// Reports overtake each other on the way: one that will be legal later waits, one that never will is refused.
    fn refuse_or_wait(&self, command: &'static str) -> Decision {
        if self.status.may_still_be_dispatched() {
            Decision::Defer(self.refusal(command))
        } else {
            Decision::Reject(self.refusal(command))
        }
    }

    pub(super) fn refusal(&self, command: &'static str) -> Refusal {
        Refusal { order_id: self.order_id.clone(), status: self.status, command }
    }

    /// Whether stock was ever reserved for it.
    pub(super) fn was_reserved(&self) -> bool {
        self.lines.iter().any(|line| !line.reserved_from.is_empty())
    }
}
