//! The payment gateway.

use std::time::Duration;

use order_domain::order::{Authorisation, Order};

use crate::failure::Failure;

/// After this long [`Gateway::find`] finds what was done: twice the minute within which Stripe's search is current
/// (docs.stripe.com/search#data-freshness).
pub const SEARCH_IS_CURRENT_AFTER: Duration = Duration::from_secs(120);

/// What the gateway says to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayAnswer {
    /// The amount is held.
    Authorised(Authorisation),
    /// The payment is refused, for the gateway's reason.
    Declined(String),
}

/// What the gateway is found to hold for an order, by the order's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing that is known of yet.
    Nothing,
    /// The amount is held.
    Authorised {
        /// The oldest hold.
        authorisation: Authorisation,
        /// Further holds of the same order, by their payment's id.
        surplus: Vec<String>,
    },
    /// The amount was taken, also where it was given back since.
    Captured {
        /// The oldest payment that was taken.
        authorisation: Authorisation,
        /// Holds of the same order beside it, by their payment's id.
        surplus: Vec<String>,
    },
}

/// What became of an order's hold, by the payment's id. Always current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inspection {
    /// The amount is still held.
    Authorised,
    /// The hold was given up.
    Expired,
    /// The amount was taken.
    Captured {
        /// What was given back of it, in minor units.
        refunded: u64,
    },
}

/// What the gateway says when the held amount is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureAnswer {
    /// It is taken.
    Captured,
    /// The hold has lapsed.
    Expired,
}

/// What the gateway says when a hold is to be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelAnswer {
    /// Nothing is held.
    Cancelled,
    /// It was too late: the amount is taken.
    AlreadyCaptured,
}

/// The payment gateway. Every request's idempotency key is the order's and the operation's, so that asking twice is asking
/// once, for as long as the gateway remembers the key (a day at least).
pub trait Gateway: Send + Sync {
    /// Holds the order's total. The attempts of an order count from 1; each is another key, and another hold.
    fn authorise(&self, order: &Order, attempt: u32) -> impl Future<Output = Result<GatewayAnswer, Failure>> + Send;

    /// What is held for the order, whatever became of earlier answers. May not know of what was done less than
    /// [`SEARCH_IS_CURRENT_AFTER`] ago.
    fn find(&self, order: &Order) -> impl Future<Output = Result<Found, Failure>> + Send;

    /// What became of the order's own hold.
    fn inspect(&self, order: &Order) -> impl Future<Output = Result<Inspection, Failure>> + Send;

    /// Takes the whole amount that is held.
    fn capture(&self, order: &Order) -> impl Future<Output = Result<CaptureAnswer, Failure>> + Send;

    /// Gives up what is held.
    fn cancel(&self, order: &Order) -> impl Future<Output = Result<CancelAnswer, Failure>> + Send;

    /// Gives up another hold than the order's own.
    fn cancel_payment(&self, order: &Order, payment_intent: &str) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Gives that many minor units back. Once the gateway has forgotten the key it would give them back again:
    /// [`Self::inspect`] tells whether it did.
    fn refund(&self, order: &Order, amount: u64) -> impl Future<Output = Result<(), Failure>> + Send;
}
