//! The notices that a customer gets: one text for each notice and channel.

use crate::event::EventType;

/// A kind of notification to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Notice {
    /// The order is confirmed.
    OrderConfirmed,
    /// The order cannot be sold as requested.
    OrderRejected,
    /// Something in the order is sold out.
    OutOfStock,
    /// The payment was declined.
    PaymentDeclined,
    /// The order is cancelled.
    OrderCancelled,
    /// A cancellation came after the dispatch and was refused.
    CancellationRefused,
    /// The parcel is on its way.
    Dispatched,
    /// The card was charged.
    PaymentCaptured,
    /// The parcel has arrived.
    Delivered,
    /// The parcel came back.
    ReturnArrived,
    /// Money was refunded.
    PaymentRefunded,
}

impl Notice {
    /// All notices.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The notice for an event; `None` for events that no customer is notified of.
    #[must_use]
    pub const fn of(event_type: EventType) -> Option<Self> {
        match event_type {
            EventType::OrderConfirmed => Some(Self::OrderConfirmed),
            EventType::OrderRejected => Some(Self::OrderRejected),
            EventType::OrderOutOfStock => Some(Self::OutOfStock),
            EventType::PaymentDeclined => Some(Self::PaymentDeclined),
            EventType::OrderCancelled => Some(Self::OrderCancelled),
            EventType::CancellationRefused => Some(Self::CancellationRefused),
            EventType::ShipmentDispatched => Some(Self::Dispatched),
            EventType::PaymentCaptured => Some(Self::PaymentCaptured),
            EventType::ShipmentDelivered => Some(Self::Delivered),
            EventType::ShipmentReturned => Some(Self::ReturnArrived),
            EventType::PaymentRefunded => Some(Self::PaymentRefunded),
            EventType::OrderValidated
            | EventType::StockReserved
            | EventType::OrderConflict
            | EventType::RefundRaised
            | EventType::PaymentAuthorised
            | EventType::PaymentVoided
            | EventType::OrderNeedsAttention => None,
        }
    }

    /// The name of the files that hold its texts.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}
