//! The payment gateway.

use order_domain::order::{Authorisation, Order};

use crate::failure::Failure;

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

/// The payment gateway. Every request's idempotency key is the order's and the operation's, so that asking twice is
/// asking once.
pub trait Gateway: Send + Sync {
    /// Holds the order's total. `attempt` is 1, and more where an earlier hold lapsed.
    fn authorise(&self, order: &Order, attempt: u32) -> impl Future<Output = Result<GatewayAnswer, Failure>> + Send;

    /// Takes the whole amount that is held.
    fn capture(&self, order: &Order) -> impl Future<Output = Result<CaptureAnswer, Failure>> + Send;

    /// Gives up what is held.
    fn void(&self, order: &Order) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Gives that many minor units back.
    fn refund(&self, order: &Order, amount: u64) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl<G: Gateway> Gateway for &G {
    fn authorise(&self, order: &Order, attempt: u32) -> impl Future<Output = Result<GatewayAnswer, Failure>> + Send {
        (**self).authorise(order, attempt)
    }
    fn capture(&self, order: &Order) -> impl Future<Output = Result<CaptureAnswer, Failure>> + Send {
        (**self).capture(order)
    }
    fn void(&self, order: &Order) -> impl Future<Output = Result<(), Failure>> + Send {
        (**self).void(order)
    }
    fn refund(&self, order: &Order, amount: u64) -> impl Future<Output = Result<(), Failure>> + Send {
        (**self).refund(order, amount)
    }
}
