//! Who hears of an event: the topics, and the customer's own channels.

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventType};
use crate::money::Money;
use crate::order::RejectionReason;
use crate::wiring::variable;

/// A topic that other systems subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// What becomes of orders.
    OrderConfirmation,
    /// What becomes of their money.
    PaymentStatus,
    /// What becomes of their parcels.
    ShipmentUpdates,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 3] = [Self::OrderConfirmation, Self::PaymentStatus, Self::ShipmentUpdates];

    /// The name, without its type and suffix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderConfirmation => "order-confirmation",
            Self::PaymentStatus => "payment-status",
            Self::ShipmentUpdates => "shipment-updates",
        }
    }

    /// The environment variable that holds its ARN.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::OrderConfirmation => variable::ORDER_CONFIRMATION_TOPIC_ARN,
            Self::PaymentStatus => variable::PAYMENT_STATUS_TOPIC_ARN,
            Self::ShipmentUpdates => variable::SHIPMENT_UPDATES_TOPIC_ARN,
        }
    }
}

/// The topics that carry an event. Every event has at least one.
#[must_use]
pub const fn topics_of(event_type: EventType) -> &'static [Topic] {
    match event_type {
        EventType::OrderValidated
        | EventType::OrderRejected
        | EventType::StockReserved
        | EventType::OrderOutOfStock
        | EventType::OrderConflict
        | EventType::OrderCancelled
        | EventType::CancellationRefused
        | EventType::OrderNeedsAttention => &[Topic::OrderConfirmation],
        EventType::OrderConfirmed | EventType::PaymentDeclined => &[Topic::OrderConfirmation, Topic::PaymentStatus],
        EventType::PaymentAuthorised
        | EventType::PaymentCaptured
        | EventType::PaymentVoided
        | EventType::PaymentRefunded => &[Topic::PaymentStatus],
        EventType::ShipmentDispatched | EventType::ShipmentDelivered | EventType::ShipmentReturned => {
            &[Topic::ShipmentUpdates]
        }
    }
}

/// The text that the customer is told of an event in an SMS; `None` for events that are not the customer's concern.
#[must_use]
pub fn sms_text(event: &Event, retailer: &str) -> Option<String> {
    let order = &event.order_id;
    let told = match (event.event_type, &event.reason) {
        (EventType::OrderConfirmed, _) => format!("order {order} is confirmed. Total {}.", event.total),
        (EventType::OrderRejected, Some(RejectionReason::PriceMismatch { .. })) => {
            format!("a price in order {order} has changed, so it was not placed. Nothing was charged.")
        }
        (EventType::OrderRejected, _) => format!("we could not take order {order}. Nothing was charged."),
        (EventType::OrderOutOfStock, _) => format!("order {order} is out of stock. Nothing was charged."),
        (EventType::PaymentDeclined, _) => format!("the payment of order {order} was declined. Nothing was charged."),
        (EventType::OrderCancelled, _) => format!("order {order} is cancelled. Nothing is charged."),
        (EventType::CancellationRefused, _) => {
            format!("order {order} is already on its way and cannot be cancelled. You can send it back.")
        }
        (EventType::ShipmentDispatched, _) => match &event.shipment {
            Some(shipment) => {
                format!("order {order} is on its way with {}, {}.", shipment.carrier, shipment.tracking_number)
            }
            None => format!("order {order} is on its way."),
        },
        (EventType::ShipmentDelivered, _) => format!("order {order} was delivered."),
        (EventType::ShipmentReturned, _) => format!("the return of order {order} has arrived."),
        (EventType::PaymentRefunded, _) => {
            let refunded = Money::new(event.refunded, event.total.currency);
            format!("{refunded} of order {order} were refunded.")
        }
        (
            EventType::OrderValidated
            | EventType::StockReserved
            | EventType::OrderConflict
            | EventType::PaymentAuthorised
            | EventType::PaymentCaptured
            | EventType::PaymentVoided
            | EventType::OrderNeedsAttention,
            _,
        ) => return None,
    };
    Some(format!("{retailer}: {told}"))
}
