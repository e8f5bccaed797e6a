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

/// The payment gateway.
pub trait Gateway: Send + Sync {
    /// Holds the order's total, once: the request's idempotency key is the order's and the operation's.
    fn authorise(&self, order: &Order) -> impl Future<Output = Result<GatewayAnswer, Failure>> + Send;
}

impl<G: Gateway> Gateway for &G {
    fn authorise(&self, order: &Order) -> impl Future<Output = Result<GatewayAnswer, Failure>> + Send {
        (**self).authorise(order)
    }
}
