//! The order's transitions: pure functions from an order and what was learnt to the next order and its event,
//! or to the answer that there is nothing to do.
//!
//! Every function answers every state. A late or duplicated command never moves a state backwards.
//!
//! - [`placing`]: from the request to the confirmation;
//! - [`fulfilment`]: reports of the warehouse and the carrier, and the customer's cancellation;
//! - [`money`]: the money that is due, and the gateway's answers;
//! - [`overdue`]: the recovery of orders that stopped moving;
//! - [`attention`]: orders that need a person's review.

pub mod attention;
pub mod fulfilment;
pub mod money;
pub mod overdue;
pub mod placing;

use crate::event::{CommandContext, Event, EventType};
use crate::order::{Order, OrderStatus};
pub use money::MoneyDue;
pub use overdue::RecoveryCommand;
pub use placing::receive;

/// A change that is ready to be committed: the order, its event and what happens to its stock, in one transaction.
///
/// Only this module can make one, so only transitions are ever written.
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

    /// The event that records the change.
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

/// The effect of a change on the stock of the order's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockEffect {
    /// Nothing.
    None,
    /// Every line moves from free to reserved, or none does.
    Reserve,
    /// Every line moves back from reserved to free.
    Release,
    /// Every line moves from reserved to sold.
    Sell,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The order changes.
    Apply(Box<Change>),
    /// The command was applied before, so this is a redelivery. Its follow-up work may be repeated.
    NoOp,
    /// The command is not allowed in this state and never will be. It changes nothing.
    Reject(Refusal),
    /// The command is not allowed yet, because it overtook an earlier one. It can be retried later.
    Defer(Refusal),
}

/// A command that the order's state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("order {order_id} is {status} and cannot {command}: nothing was changed")]
pub struct Refusal {
    /// The order.
    pub order_id: crate::id::OrderId,
    /// The order's status.
    pub status: OrderStatus,
    /// The refused command.
    pub command: &'static str,
}

impl Order {
    fn no_op_if(&self, passed: impl Fn(OrderStatus) -> bool, command: &'static str) -> Decision {
        if passed(self.status) {
            Decision::NoOp
        } else {
            Decision::Reject(Refusal { order_id: self.order_id.clone(), status: self.status, command })
        }
    }

    /// The one place where a version rises and an event is made.
    fn transition(
        mut self,
        event_type: EventType,
        status: OrderStatus,
        stock: StockEffect,
        context: &CommandContext,
    ) -> Change {
        self.status = status;
        self.version += 1;
        // A change that only records something does not clear the mark.
        let only_tells = matches!(
            event_type,
            EventType::OrderNeedsAttention | EventType::OrderConflict | EventType::CancellationRefused
        );
        if !only_tells {
            self.attention = None;
        }
        self.updated_at = context.at;
        let event = Event {
            order_id: self.order_id.clone(),
            customer_id: self.customer_id.clone(),
            sequence: self.version,
            event_type,
            at: context.at,
            actor: context.actor.name().to_owned(),
            cause: context.cause,
            message_id: context.message_id.clone(),
            status: self.status,
            payment_status: self.payment_status,
            shipment_status: self.shipment_status,
            total: self.total,
            reason: self.reason.clone(),
            cancellation: self.cancellation,
            attention: self.attention.as_ref().map(|attention| attention.reason.clone()),
            shipment: self.shipment.clone(),
            refund_due: self.refund_due,
            refunded: self.refunded,
        };
        Change { order: self, event, stock }
    }
}

fn apply(change: Change) -> Decision {
    Decision::Apply(Box::new(change))
}
