//! Requests whose answer is a server error that the gateway saved: under their key nothing else is ever said, so they
//! are made again under another one, where it is certain that nothing can be done twice.

use order_domain::order::Order;

use super::StripeGateway;
use super::http::Reply;
use super::objects::PaymentIntent;
use super::refusal::refusal;
use crate::failure::Failure;

/// How many keys a request is made under within one delivery; the next delivery goes through them again.
const KEYS: u32 = 4;

/// The key of a repetition, from 1.
fn repeated(key: &str, repetition: u32) -> String {
    if repetition == 1 { key.to_owned() } else { format!("{key}:{repetition}") }
}

impl StripeGateway {
    /// Captures or cancels a payment. Its state keeps that from happening twice, under whatever keys.
    pub(super) async fn settle(
        &self,
        path: &str,
        key: &str,
        form: &[(&str, String)],
        what: &str,
    ) -> Result<Reply, Failure> {
        let mut repetition = 1;
        loop {
            let reply = self.http.post(path, &repeated(key, repetition), form, what).await?;
            if !reply.is_saved_error() || repetition == KEYS {
                return Ok(reply);
            }
            repetition += 1;
        }
    }

    /// Gives money back. Nothing keeps a part from being given back twice, so the charge is read before each repetition.
    pub(super) async fn give_back(&self, order: &Order, intent: &str, amount: u64, what: &str) -> Result<(), Failure> {
        // What was given back before names the refund: the next one is another.
        let key = format!("{}:refund:{}", order.order_id, order.refunded);
        let form = [("payment_intent", intent.to_owned()), ("amount", amount.to_string())];
        let mut repetition = 1;
        loop {
            let reply = self.http.post("/v1/refunds", &repeated(&key, repetition), &form, what).await?;
            if reply.status.is_success() {
                return Ok(());
            }
            if !reply.is_saved_error() || repetition == KEYS {
                return Err(refusal(&reply, what));
            }
            let refunded = self.refunded(intent, what).await?;
            if refunded >= order.refunded + amount {
                return Ok(());
            }
            repetition += 1;
        }
    }

    /// Minor units of a payment that were given back. Reading one object is never stale, unlike the search.
    async fn refunded(&self, intent: &str, what: &str) -> Result<u64, Failure> {
        let path = format!("/v1/payment_intents/{intent}");
        let reply = self.http.get(&path, &[("expand[]", "latest_charge".to_owned())], what).await?;
        if !reply.status.is_success() {
            return Err(refusal(&reply, what));
        }
        let refunded = PaymentIntent::of(&reply, what)?.refunded();
        refunded.ok_or_else(|| Failure::transient_because(format!("{what}: the gateway does not show its charge")))
    }
}
