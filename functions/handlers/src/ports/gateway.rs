//! The payment gateway.

use std::time::Duration;

use order_domain::order::{Authorisation, Order};

use crate::failure::Failure;

/// How long after a request [`Gateway::find`] surely sees what came of it: twice the minute within which Stripe makes
/// new data searchable "under normal operating conditions" (docs.stripe.com/search, "Data freshness").
pub const SEARCH_IS_CURRENT_AFTER: Duration = Duration::from_secs(120);

/// What the gateway says to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayAnswer {
    /// The amount is held.
    Authorised(Authorisation),
    /// The payment is refused, for the gateway's reason.
    Declined(String),
}

/// What the gateway says when the held amount is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureAnswer {
    /// It is taken.
    Captured,
    /// The hold has lapsed.
    Lapsed,
}

/// What the gateway holds for an order, whoever made it and whatever became of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The amount is held.
    Held {
        /// The oldest hold.
        authorisation: Authorisation,
        /// Payments that hold the amount once more, for [`Gateway::give_up`].
        surplus: Vec<String>,
    },
    /// The amount was taken, also where it was given back since.
    Captured {
        /// The oldest payment that was taken.
        authorisation: Authorisation,
        /// Payments that hold the amount once more, for [`Gateway::give_up`].
        surplus: Vec<String>,
    },
    /// Nothing: no payment was made, or each was declined, given up, or has lapsed.
    Nothing,
}

/// The payment gateway. Every request's idempotency key is the order's and the operation's, so that asking twice is
/// asking once.
///
/// The gateway saves the first result under a key, also where it was a server error, and says it again to whoever asks
/// under that key. Such an order goes on with [`find`](Self::find), and with another attempt where nothing is found.
pub trait Gateway: Send + Sync {
    /// Holds the order's total. `attempt` is 1, and more where an earlier one lapsed or had no clear answer; before such
    /// a one comes [`find`](Self::find).
    fn authorise(&self, order: &Order, attempt: u32) -> impl Future<Output = Result<GatewayAnswer, Failure>> + Send;

    /// What the gateway holds for the order. What happened less than [`SEARCH_IS_CURRENT_AFTER`] ago may be missing, so
    /// that `Nothing` is no leave to ask again before then.
    fn find(&self, order: &Order) -> impl Future<Output = Result<Found, Failure>> + Send;

    /// Takes the whole amount that is held.
    fn capture(&self, order: &Order) -> impl Future<Output = Result<CaptureAnswer, Failure>> + Send;

    /// Gives up what is held.
    fn void(&self, order: &Order) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Gives up one payment of the order, by the gateway's id.
    fn give_up(&self, order: &Order, payment_intent: &str) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Gives that many minor units back.
    fn refund(&self, order: &Order, amount: u64) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl<G: Gateway> Gateway for &G {
    fn authorise(&self, order: &Order, attempt: u32) -> impl Future<Output = Result<GatewayAnswer, Failure>> + Send {
        (**self).authorise(order, attempt)
    }
    fn find(&self, order: &Order) -> impl Future<Output = Result<Found, Failure>> + Send {
        (**self).find(order)
    }
    fn capture(&self, order: &Order) -> impl Future<Output = Result<CaptureAnswer, Failure>> + Send {
        (**self).capture(order)
    }
    fn void(&self, order: &Order) -> impl Future<Output = Result<(), Failure>> + Send {
        (**self).void(order)
    }
    fn give_up(&self, order: &Order, payment_intent: &str) -> impl Future<Output = Result<(), Failure>> + Send {
        (**self).give_up(order, payment_intent)
    }
    fn refund(&self, order: &Order, amount: u64) -> impl Future<Output = Result<(), Failure>> + Send {
        (**self).refund(order, amount)
    }
}
