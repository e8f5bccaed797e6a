//! Requests whose answer is a server error that the gateway saved: under their key nothing else is ever said, so they
//! are made again under another one, where it is certain that nothing can be done twice.

use order_domain::order::Order;

use super::StripeGateway;
use super::objects::{ENVIRONMENT_METADATA, ORDER_METADATA, Refund};
use super::refusal::refusal;
use super::transport::{Reply, Transport};
use crate::failure::{DeadLetterReason, Failure};

/// How many keys a request is made under within one delivery; the next delivery goes through them again.
const KEYS: u32 = 4;

/// The key of a repetition, from 1.
fn repeated(key: &str, repetition: u32) -> String {
    if repetition == 1 { key.to_owned() } else { format!("{key}:{repetition}") }
}

/// A refund that the gateway accepted: pending or done. A person handles a refund that it could not make.
fn refund_of(reply: &Reply, what: &str) -> Result<(), Failure> {
    let refund: Refund = serde_json::from_slice(&reply.body).map_err(|error| Failure::transient(what, error))?;
    match refund.status.as_deref() {
        Some(state @ ("failed" | "canceled")) => Err(Failure::Permanent {
            what: format!("{what}: the refund is {state}"),
            reason: DeadLetterReason::RefundFailed,
            cause: None,
        }),
        _ => Ok(()),
    }
}

impl<T: Transport> StripeGateway<T> {
    /// Captures or cancels a payment. Its state keeps that from happening twice, under whatever keys.
    pub(super) async fn post_until_not_repeated(
        &self,
        path: &str,
        key: &str,
        form: &[(&str, String)],
        what: &str,
    ) -> Result<Reply, Failure> {
        let mut repetition = 1;
        loop {
            let reply = self.transport.post(path, &repeated(key, repetition), form, what).await?;
            if !reply.is_saved_error() || repetition == KEYS {
                return Ok(reply);
            }
            repetition += 1;
        }
    }

    /// Refunds money. The gateway does not prevent a repeated partial refund, so the charge is read before each repetition.
    pub(super) async fn refund_once(
        &self,
        order: &Order,
        intent: &str,
        amount: u64,
        what: &str,
    ) -> Result<(), Failure> {
        // The sum of the earlier refunds is part of the key, so the next refund has another key.
        let key = self.key(order, &format!("refund:{}", order.refunded));
        let form = [
            ("payment_intent", intent.to_owned()),
            ("amount", amount.to_string()),
            // A webhook reports a refund that fails days later: its label names the order.
            (ORDER_METADATA, order.order_id.to_string()),
            (ENVIRONMENT_METADATA, self.environment.clone()),
        ];
        let mut repetition = 1;
        loop {
            let reply = self.transport.post("/v1/refunds", &repeated(&key, repetition), &form, what).await?;
            if reply.status.is_success() {
                return refund_of(&reply, what);
            }
            if !reply.replayed || repetition == KEYS {
                return Err(refusal(&reply, what));
            }
            // An amount that its charge does not show yet may be under way: that is for another delivery.
            let refunded = self.payment(intent, what).await?.refunded();
            let unknown = || Failure::transient_because(format!("{what}: the gateway does not show its charge"));
            if refunded.ok_or_else(unknown)? >= order.refunded + amount {
                return Ok(());
            }
            repetition += 1;
        }
    }
}
