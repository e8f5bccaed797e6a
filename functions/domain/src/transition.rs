//! The order's transitions: pure functions from an order and what was learnt to the next order and its event,
//! or to the answer that there is nothing to do.
//!
//! Every function answers every state. A late or duplicated command never moves a state backwards.

use crate::catalogue::Priced;
use crate::event::{Event, EventType, Occasion};
use crate::fingerprint::Fingerprint;
use crate::id::Sku;
use crate::money::Money;
use crate::order::{Authorisation, Order, OrderStatus, PaymentStatus, RejectionReason, ShipmentStatus};
use crate::request::PlaceOrder;
use crate::time::Timestamp;

/// A change that is ready to be committed: the order, its event and what happens to its stock, in one transaction.
///
/// Only this module makes one, so nothing is ever written that is no transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    order: Order,
    event: Event,
    stock: StockEffect,
}

impl Change {
    /// The order after the change.
    #[must_use]
    pub const fn order(&self) -> &Order {
        &self.order
    }

    /// The order after the change, for those who go on with it.
    #[must_use]
    pub fn into_order(self) -> Order {
        self.order
    }

    /// The event that tells of it.
    #[must_use]
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// What happens to the stock of the order's lines.
    #[must_use]
    pub const fn stock(&self) -> StockEffect {
        self.stock
    }

    /// The version that must be stored for the change to apply; `None` when no order may be stored yet.
    #[must_use]
    pub const fn replaces_version(&self) -> Option<u64> {
        match self.order.version {
            0 | 1 => None,
            version => Some(version - 1),
        }
    }
}

/// What a change does to the stock of the order's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockEffect {
    /// Nothing.
    None,
    /// Every line moves from free to reserved, or none does.
    Reserve,
    /// Every line moves back from reserved to free.
    Release,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The order changes.
    Take(Box<Change>),
    /// The command was obeyed before: a redelivery. What follows from it may be repeated.
    Already,
    /// The command is not legal in this state, and changes nothing.
    Refuse(Refusal),
}

/// A command that the order's state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("order {order_id} is {status} and cannot {command}: nothing was changed")]
pub struct Refusal {
    /// The order.
    pub order_id: crate::id::OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// What was asked.
    pub command: &'static str,
}

/// The first transition of an order: priced, or rejected with the reason.
#[must_use]
pub fn receive(
    request: PlaceOrder,
    priced: Result<Priced, RejectionReason>,
    accepted_at: Timestamp,
    occasion: &Occasion,
) -> Change {
    let fingerprint = Fingerprint::of(&request);
    let (lines, total, reason) = match priced {
        Ok(Priced { lines, total }) => (lines, total, None),
        Err(reason) => (Vec::new(), Money::new(0, request.currency), Some(reason)),
    };
    let order = Order {
        order_id: request.order_id,
        customer_id: request.customer_id,
        customer: request.customer,
        notify: request.notify,
        shipping_address: request.shipping_address,
        payment_method: request.payment.method,
        lines,
        total,
        status: OrderStatus::Received,
        payment_status: PaymentStatus::None,
        shipment_status: ShipmentStatus::None,
        reason: None,
        authorisation: None,
        version: 0,
        fingerprint,
        conflicts: std::collections::BTreeSet::new(),
        created_at: accepted_at,
        updated_at: occasion.at,
        confirmed_at: None,
    };
    match reason {
        None => order.moved(EventType::OrderValidated, OrderStatus::Validated, StockEffect::None, occasion),
        Some(reason) => Order { reason: Some(reason), ..order }.moved(
            EventType::OrderRejected,
            OrderStatus::Rejected,
            StockEffect::None,
            occasion,
        ),
    }
}

impl Order {
    /// A request came under this order's id: the same one again, or another, which is recorded once and changes
    /// nothing else.
    #[must_use]
    pub fn placed_again(&self, fingerprint: &Fingerprint, occasion: &Occasion) -> Step {
        if *fingerprint == self.fingerprint || self.conflicts.contains(fingerprint) {
            return Step::Already;
        }
        let mut order = self.clone();
        order.conflicts.insert(fingerprint.clone());
        let status = order.status;
        take(order.moved(EventType::OrderConflict, status, StockEffect::None, occasion))
    }

    /// Every line is to be reserved, each from the stock item that `shards` names for it, in the lines' order.
    #[must_use]
    pub fn reserve(&self, shards: &[u16], occasion: &Occasion) -> Step {
        match self.status {
            OrderStatus::Validated if shards.len() == self.lines.len() => {
                let mut order = self.clone();
                for (line, shard) in order.lines.iter_mut().zip(shards) {
                    line.reserved_from = Some(*shard);
                }
                take(order.moved(EventType::StockReserved, OrderStatus::Reserved, StockEffect::Reserve, occasion))
            }
            _ => self.already_if(|status| status > OrderStatus::Validated, "reserve its stock"),
        }
    }

    /// A line cannot be reserved.
    #[must_use]
    pub fn out_of_stock(&self, sku: Sku, occasion: &Occasion) -> Step {
        match self.status {
            OrderStatus::Validated => {
                take(Self { reason: Some(RejectionReason::OutOfStock { sku }), ..self.clone() }.moved(
                    EventType::OrderOutOfStock,
                    OrderStatus::OutOfStock,
                    StockEffect::None,
                    occasion,
                ))
            }
            _ => self.already_if(|status| status > OrderStatus::Validated, "run out of stock"),
        }
    }

    /// Whether the gateway may be asked for this order's money.
    #[must_use]
    pub fn awaits_payment(&self) -> bool {
        self.status == OrderStatus::Reserved && self.payment_status == PaymentStatus::None
    }

    /// The gateway holds the amount.
    #[must_use]
    pub fn authorised(&self, authorisation: Authorisation, occasion: &Occasion) -> Step {
        if self.awaits_payment() {
            return take(
                Self {
                    payment_status: PaymentStatus::Authorised,
                    authorisation: Some(authorisation),
                    confirmed_at: Some(occasion.at),
                    ..self.clone()
                }
                .moved(EventType::OrderConfirmed, OrderStatus::Confirmed, StockEffect::None, occasion),
            );
        }
        self.already_if(|status| status > OrderStatus::Reserved, "be confirmed")
    }

    /// The gateway refused; the stock goes back.
    #[must_use]
    pub fn declined(&self, decline_code: String, occasion: &Occasion) -> Step {
        if self.awaits_payment() {
            return take(
                Self {
                    payment_status: PaymentStatus::Declined,
                    reason: Some(RejectionReason::PaymentDeclined { decline_code }),
                    ..self.clone()
                }
                .moved(
                    EventType::PaymentDeclined,
                    OrderStatus::PaymentDeclined,
                    StockEffect::Release,
                    occasion,
                ),
            );
        }
        self.already_if(|status| status > OrderStatus::Reserved, "be declined")
    }

    fn already_if(&self, passed: impl Fn(OrderStatus) -> bool, command: &'static str) -> Step {
        if passed(self.status) {
            Step::Already
        } else {
            Step::Refuse(Refusal { order_id: self.order_id.clone(), status: self.status, command })
        }
    }

    /// The one place where a version rises and an event is made.
    fn moved(mut self, event_type: EventType, status: OrderStatus, stock: StockEffect, occasion: &Occasion) -> Change {
        self.status = status;
        self.version += 1;
        self.updated_at = occasion.at;
        let event = Event {
            order_id: self.order_id.clone(),
            customer_id: self.customer_id.clone(),
            sequence: self.version,
            event_type,
            at: occasion.at,
            actor: occasion.actor.name().to_owned(),
            cause: occasion.cause.clone(),
            status: self.status,
            payment_status: self.payment_status,
            shipment_status: self.shipment_status,
            total: self.total,
            reason: self.reason.clone(),
        };
        Change { order: self, event, stock }
    }
}

fn take(change: Change) -> Step {
    Step::Take(Box::new(change))
}
