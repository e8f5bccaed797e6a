//! Who hears of an event: the topics, and the customer's own channels.

mod calling_codes;
mod notice;

use serde::{Deserialize, Serialize};

pub use self::calling_codes::{CallingCodes, InvalidCallingCodes};
pub use self::notice::Notice;
use crate::event::EventType;

/// A topic that other systems subscribe to.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::VariantArray,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
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
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name, without its type and suffix.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
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
        EventType::RefundRaised
        | EventType::PaymentAuthorised
        | EventType::PaymentCaptured
        | EventType::PaymentVoided
        | EventType::PaymentRefunded => &[Topic::PaymentStatus],
        EventType::ShipmentDispatched | EventType::ShipmentDelivered | EventType::ShipmentReturned => {
            &[Topic::ShipmentUpdates]
        }
    }
}
