//! The payment gateway's webhooks.

use order_domain::id::OrderId;
use order_domain::time::Timestamp;

use crate::failure::Failure;

/// The kind of a webhook's event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEventKind {
    /// An authorisation was voided, or expired.
    Canceled,
    /// An amount was authorised.
    Authorised,
    /// A refund that was reported as done has failed.
    RefundFailed {
        /// The gateway's id of the refund.
        refund: String,
    },
    /// Anything else.
    Other,
}

/// The event of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayEvent {
    /// The kind of event.
    pub kind: GatewayEventKind,
    /// The order that it is about, where it is one of ours.
    pub order_id: Option<OrderId>,
    /// The gateway's id of the payment.
    pub payment_intent: String,
}

/// A webhook's signature and time, which every message with a webhook carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The signature that came with it.
    pub signature: String,
    /// The time when the API accepted it: a signature is valid for some minutes, and a redrive may come after days.
    pub accepted_at: Timestamp,
}

/// The result of a webhook's check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Webhook {
    /// The gateway sent it.
    Genuine(GatewayEvent),
    /// Somebody else sent it, or it is too old, for this reason.
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
