//! Where an order can come to rest, and what must have happened on the way there. Pure.

use std::cmp::Ordering;
use std::fmt;

use order_domain::event::EventType;
use order_domain::notification::topics_of;
use order_domain::order::{Order, OrderStatus, PaymentStatus, ShipmentStatus};

/// The states of an order's three machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Where the order stands.
    pub status: OrderStatus,
    /// Where its payment stands.
    pub payment: PaymentStatus,
    /// Where its parcel is.
    pub shipment: ShipmentStatus,
}

impl End {
    /// Cannot be sold as it was asked for.
    pub const REJECTED: Self = Self::before_payment(OrderStatus::Rejected);
    /// A line could not be reserved.
    pub const OUT_OF_STOCK: Self = Self::before_payment(OrderStatus::OutOfStock);
    /// The gateway declined the payment.
    pub const DECLINED: Self =
        Self { payment: PaymentStatus::Declined, ..Self::before_payment(OrderStatus::PaymentDeclined) };
    /// Waits for the warehouse, its money authorised.
    pub const CONFIRMED: Self =
        Self { payment: PaymentStatus::Authorised, ..Self::before_payment(OrderStatus::Confirmed) };
    /// With the customer, and paid.
    pub const COMPLETED: Self =
        Self { status: OrderStatus::Completed, payment: PaymentStatus::Captured, shipment: ShipmentStatus::Delivered };
    /// Cancelled before dispatch, the money let go.
    pub const CANCELLED: Self = Self { payment: PaymentStatus::Voided, ..Self::before_payment(OrderStatus::Cancelled) };
    /// Was with the customer, was returned, and its money refunded.
    pub const REFUNDED: Self =
        Self { status: OrderStatus::Completed, payment: PaymentStatus::Refunded, shipment: ShipmentStatus::Returned };

    const fn before_payment(status: OrderStatus) -> Self {
        Self { status, payment: PaymentStatus::None, shipment: ShipmentStatus::None }
    }

    /// Where a stored order stands.
    #[must_use]
    pub const fn of(order: &Order) -> Self {
        Self { status: order.status, payment: order.payment_status, shipment: order.shipment_status }
    }

    /// The names of the three states: order, payment, shipment.
    #[must_use]
    pub fn names(self) -> [&'static str; 3] {
        let shipment = if self.shipment == ShipmentStatus::None { "NONE" } else { shipment_name(self.shipment) };
        [self.status.name(), payment_name(self.payment), shipment]
    }

    /// The events of an order that stands here, all of them, in the order of the machines: order, parcel, money.
    #[must_use]
    pub fn events(self) -> Vec<EventType> {
        let order: &[EventType] = match self.status {
            OrderStatus::Received => &[],
            OrderStatus::Validated => &[EventType::OrderValidated],
            OrderStatus::Rejected => &[EventType::OrderRejected],
            OrderStatus::OutOfStock => &[EventType::OrderValidated, EventType::OrderOutOfStock],
            OrderStatus::Reserved => &[EventType::OrderValidated, EventType::StockReserved],
            OrderStatus::PaymentDeclined => {
                &[EventType::OrderValidated, EventType::StockReserved, EventType::PaymentDeclined]
            }
            OrderStatus::Confirmed | OrderStatus::Completed => {
                &[EventType::OrderValidated, EventType::StockReserved, EventType::OrderConfirmed]
            }
            OrderStatus::Cancelled => &[
                EventType::OrderValidated,
                EventType::StockReserved,
                EventType::OrderConfirmed,
                EventType::OrderCancelled,
            ],
        };
        let parcel: &[EventType] = match self.shipment {
            ShipmentStatus::None => &[],
            ShipmentStatus::Dispatched => &[EventType::ShipmentDispatched],
            ShipmentStatus::Delivered => &[EventType::ShipmentDispatched, EventType::ShipmentDelivered],
            ShipmentStatus::Returned => {
                &[EventType::ShipmentDispatched, EventType::ShipmentDelivered, EventType::ShipmentReturned]
            }
        };
        // The order's own event reports authorised and declined money.
        let money: &[EventType] = match self.payment {
            PaymentStatus::None | PaymentStatus::Authorised | PaymentStatus::Declined => &[],
            PaymentStatus::Captured => &[EventType::PaymentCaptured],
            PaymentStatus::Refunded => &[EventType::PaymentCaptured, EventType::PaymentRefunded],
            PaymentStatus::Voided => &[EventType::PaymentVoided],
        };
        [order, parcel, money].concat()
    }

    /// How often an order that stands here has changed.
    #[must_use]
    pub fn changes(self) -> u64 {
        self.events().len() as u64
    }

    /// Of its events, those that an observer of the topics waits for.
    #[must_use]
    pub fn watched(self) -> Vec<EventType> {
        self.events().into_iter().filter(|event| is_watched(*event)).collect()
    }

    /// How many deliveries of watched events an observer of all topics gets.
    #[must_use]
    pub fn deliveries(self) -> usize {
        self.watched().into_iter().map(|event| topics_of(event).len()).sum()
    }

    /// How many text messages a customer gets who wants them.
    #[must_use]
    pub fn texts(self) -> usize {
        self.events().into_iter().filter(|event| is_texted(*event)).count()
    }

    /// The usual shipment status of an order with this status and payment; it is not printed.
    const fn usual_shipment(self) -> ShipmentStatus {
        match (self.status, self.payment) {
            (OrderStatus::Completed, PaymentStatus::Captured) => ShipmentStatus::Delivered,
            (OrderStatus::Completed, PaymentStatus::Refunded) => ShipmentStatus::Returned,
            _ => ShipmentStatus::None,
        }
    }
}

/// As the table of outcomes lists them: further ones later.
impl Ord for End {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |end: &Self| (end.status as u8, payment_name(end.payment), shipment_name(end.shipment));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for End {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Such as `CONFIRMED`, `COMPLETED + CAPTURED` or, where the parcel is elsewhere, `CONFIRMED + CAPTURED + DISPATCHED`.
impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.status.name())?;
        let plain = matches!(
            (self.status, self.payment),
            (OrderStatus::Confirmed, PaymentStatus::Authorised)
                | (OrderStatus::PaymentDeclined, PaymentStatus::Declined)
                | (_, PaymentStatus::None)
        );
        if !plain {
            write!(formatter, " + {}", payment_name(self.payment))?;
        }
        if self.shipment != self.usual_shipment() {
            write!(formatter, " + {}", shipment_name(self.shipment))?;
        }
        Ok(())
    }
}

/// Whether the observer listens for an event: for all but the steps towards an end, of which there are most.
#[must_use]
pub const fn is_watched(event: EventType) -> bool {
    !matches!(event, EventType::OrderValidated | EventType::StockReserved)
}

/// Whether an event is the customer's concern.
const fn is_texted(event: EventType) -> bool {
    matches!(
        event,
        EventType::OrderConfirmed
            | EventType::OrderRejected
            | EventType::OrderOutOfStock
            | EventType::PaymentDeclined
            | EventType::OrderCancelled
            | EventType::CancellationRefused
            | EventType::ShipmentDispatched
            | EventType::ShipmentDelivered
            | EventType::ShipmentReturned
            | EventType::PaymentCaptured
            | EventType::PaymentRefunded
    )
}

const fn payment_name(payment: PaymentStatus) -> &'static str {
    match payment {
        PaymentStatus::None => "NONE",
        PaymentStatus::Authorised => "AUTHORISED",
        PaymentStatus::Captured => "CAPTURED",
        PaymentStatus::Refunded => "REFUNDED",
        PaymentStatus::Declined => "DECLINED",
        PaymentStatus::Voided => "VOIDED",
    }
}

const fn shipment_name(shipment: ShipmentStatus) -> &'static str {
    match shipment {
        ShipmentStatus::None => "NOT SENT",
        ShipmentStatus::Dispatched => "DISPATCHED",
        ShipmentStatus::Delivered => "DELIVERED",
        ShipmentStatus::Returned => "RETURNED",
    }
}

#[cfg(test)]
mod tests {
    use order_domain::notification::Notice;

    use super::*;

    #[test]
    fn each_end_has_its_number_of_changes_deliveries_and_texts() {
        for (end, expected) in [
            (End::REJECTED, (1, 1, 1)),
            (End::OUT_OF_STOCK, (2, 1, 1)),
            (End::DECLINED, (3, 2, 1)),
            (End::CONFIRMED, (3, 2, 1)),
            (End::COMPLETED, (6, 5, 4)),
            (End::CANCELLED, (5, 4, 2)),
            (End::REFUNDED, (8, 7, 6)),
        ] {
            assert_eq!((end.changes(), end.deliveries(), end.texts()), expected, "{end}");
        }
    }

    #[test]
    fn the_customer_is_expected_to_hear_what_the_pipeline_has_a_text_for() {
        for event_type in EventType::ALL.iter().copied() {
            assert_eq!(is_texted(event_type), Notice::of(event_type).is_some(), "{}", event_type.name());
        }
    }

    #[test]
    fn an_end_is_named_by_what_does_not_go_without_saying() {
        let names =
            [End::CONFIRMED, End::DECLINED, End::COMPLETED, End::CANCELLED, End::REFUNDED].map(|end| end.to_string());
        assert_eq!(
            names,
            ["CONFIRMED", "PAYMENT_DECLINED", "COMPLETED + CAPTURED", "CANCELLED + VOIDED", "COMPLETED + REFUNDED"]
        );
        let on_its_way = End { shipment: ShipmentStatus::Dispatched, ..End::CONFIRMED };
        assert_eq!(on_its_way.to_string(), "CONFIRMED + DISPATCHED");
        assert_eq!(
            End { shipment: ShipmentStatus::Dispatched, ..End::COMPLETED }.to_string(),
            "COMPLETED + CAPTURED + DISPATCHED"
        );
    }
}
