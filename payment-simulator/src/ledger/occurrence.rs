//! What happens to a payment and is worth telling: a webhook's event, before it has an id.

use serde_json::Value;

use super::time::UnixSeconds;

/// A type of event (docs.stripe.com/api/events/types), of those that our payments come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// Money is held.
    AmountCapturableUpdated,
    /// A card was declined.
    PaymentFailed,
    /// The customer has to authenticate.
    RequiresAction,
    /// A payment was cancelled, or its authorisation expired.
    Canceled,
    /// Money was taken.
    Succeeded,
    /// A charge was refunded, fully or in part.
    ChargeRefunded,
    /// A refund failed: the customer's bank returned the money.
    RefundFailed,
}

impl EventType {
    /// Stripe's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AmountCapturableUpdated => "payment_intent.amount_capturable_updated",
            Self::PaymentFailed => "payment_intent.payment_failed",
            Self::RequiresAction => "payment_intent.requires_action",
            Self::Canceled => "payment_intent.canceled",
            Self::Succeeded => "payment_intent.succeeded",
            Self::ChargeRefunded => "charge.refunded",
            Self::RefundFailed => "refund.failed",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    /// What.
    pub event_type: EventType,
    /// The payment, charge or refund as it was then.
    pub object: Value,
    /// When.
    pub at: UnixSeconds,
}
