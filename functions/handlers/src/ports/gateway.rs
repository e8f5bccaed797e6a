//! The payment gateway.

use std::time::Duration;

use order_domain::order::{Authorisation, Order};

use crate::failure::Failure;

/// After this time [`Gateway::find`] finds a payment: twice the minute within which Stripe's search is current
/// (docs.stripe.com/search#data-freshness).
pub const SEARCH_IS_CURRENT_AFTER: Duration = Duration::from_secs(120);

/// The gateway's answer to an authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayAnswer {
    /// The amount is authorised.
    Authorised(Authorisation),
    /// The payment is declined, with the gateway's reason.
    Declined(String),
}

/// The result of a search for an order's payments, by the order's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// No payment, as far as the search shows.
    Nothing,
    /// The amount is authorised.
    Authorised {
        /// The oldest authorisation.
        authorisation: Authorisation,
        /// Further authorisations of the same order, by their payment's id.
        surplus: Vec<String>,
    },
    /// The amount was captured, and perhaps refunded since.
    Captured {
        /// The oldest captured payment.
        authorisation: Authorisation,
        /// Further authorisations of the same order, by their payment's id.
        surplus: Vec<String>,
    },
}

/// The state of an order's authorisation, by the payment's id. Always current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inspection {
    /// The amount is still authorised.
    Authorised,
    /// The authorisation was voided, or expired.
    Expired,
    /// The amount was captured.
    Captured {
        /// The refunded sum, in minor units.
        refunded: u64,
    },
}

/// The gateway's answer to a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureAnswer {
    /// The amount is captured.
    Captured,
    /// The authorisation has expired.
    Expired,
}

/// The gateway's answer to a void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelAnswer {
    /// No amount is authorised any more.
    Cancelled,
    /// It was too late: the amount is captured.
    AlreadyCaptured,
}

/// The payment gateway. Every request's idempotency key names the order and the operation, so a repeated request is harmless
/// for as long as the gateway remembers the key (at least a day).
pub trait Gateway: Send + Sync {
    /// Authorises the order's total. The attempts of an order count from 1; each has its own key and authorisation.
    fn authorise(&self, order: &Order, attempt: u32) -> impl Future<Output = Result<GatewayAnswer, Failure>> + Send;

    /// Searches for the order's payments, e.g. after an answer was lost. The result may lack changes that are younger than
    /// [`SEARCH_IS_CURRENT_AFTER`].
    fn find(&self, order: &Order) -> impl Future<Output = Result<Found, Failure>> + Send;

    /// Reads the state of the order's own authorisation.
    fn inspect(&self, order: &Order) -> impl Future<Output = Result<Inspection, Failure>> + Send;

    /// Captures the whole authorised amount.
    fn capture(&self, order: &Order) -> impl Future<Output = Result<CaptureAnswer, Failure>> + Send;

    /// Voids the order's authorisation.
    fn cancel(&self, order: &Order) -> impl Future<Output = Result<CancelAnswer, Failure>> + Send;

    /// Cancels a payment that is not the order's own authorisation.
    fn cancel_payment(&self, order: &Order, payment_intent: &str) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Refunds an amount in minor units. Once the gateway has forgotten the key, a repetition would refund it again: call
    /// [`Self::inspect`] before.
    fn refund(&self, order: &Order, amount: u64) -> impl Future<Output = Result<(), Failure>> + Send;
}
