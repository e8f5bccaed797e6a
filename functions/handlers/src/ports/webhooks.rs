//! What the payment gateway tells of its own accord.

use order_domain::id::OrderId;
use order_domain::time::Timestamp;

use crate::failure::Failure;

/// What a webhook tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEventKind {
    /// The gateway gave up what it held.
    Canceled,
    /// The gateway holds money.
    Authorised,
    /// Money that was said to be given back was not.
    RefundFailed {
        /// The gateway's id of the refund.
        refund: String,
    },
    /// Anything else.
    Other,
}

/// What the gateway told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayEvent {
    /// What happened.
    pub kind: GatewayEventKind,
    /// The order that it is about, where it is one of ours.
    pub order_id: Option<OrderId>,
    /// The gateway's id of the payment.
    pub payment_intent: String,
}

/// How a webhook was signed, and when: what is needed to check it, on every way that it takes to the stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The signature that came with it.
    pub signature: String,
    /// When the API accepted it: a signature counts for some minutes, and a dead letter is redriven after days.
    pub accepted_at: Timestamp,
}

/// What a webhook turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Webhook {
    /// The gateway sent it.
    Genuine(GatewayEvent),
    /// Somebody else did, or too long ago, for this reason.
    Refused(String),
}

/// The gateway's webhooks.
pub trait Webhooks: Send + Sync {
    /// Checks that the gateway signed the payload shortly before the API accepted it, and reads it.
    fn verify(&self, payload: &str, signed: &Signed) -> impl Future<Output = Result<Webhook, Failure>> + Send;
}

impl<W: Webhooks> Webhooks for &W {
    fn verify(&self, payload: &str, signed: &Signed) -> impl Future<Output = Result<Webhook, Failure>> + Send {
        (**self).verify(payload, signed)
    }
}
