//! The gateway's webhooks, checked by the shipped code.

use order_handlers::adapters::webhooks::StripeWebhooks;
use order_handlers::failure::Failure;
use order_handlers::ports::{Signed, Webhook, Webhooks};
use payment_simulator::signature_header;

use super::gateway::ENVIRONMENT;
use super::{Call, Ports};
use crate::mutation::Mutation;

/// The gateway's signing secret.
pub(crate) const SECRET: &str = "whsec_of_the_gateway";
/// The signing secret of a forger.
pub(crate) const FORGERS_SECRET: &str = "whsec_of_somebody_else";

impl Webhooks for Ports {
    async fn verify(&self, payload: &str, signed: &Signed) -> Result<Webhook, Failure> {
        // The secret is read; most warm processes know it.
        self.reach(Call::Read, None).await?;
        let webhooks = StripeWebhooks::with_secret(SECRET.to_owned(), ENVIRONMENT.to_owned());
        if self.makes(Mutation::SignatureUnchecked) {
            let seconds = signed.accepted_at.unix_milliseconds() / 1000;
            let signature = signature_header(&[SECRET.to_owned()], seconds, payload);
            return webhooks.verify(payload, &Signed { signature, accepted_at: signed.accepted_at }).await;
        }
        webhooks.verify(payload, signed).await
    }
}
