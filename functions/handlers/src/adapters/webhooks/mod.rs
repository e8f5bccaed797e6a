//! The payment gateway's webhooks: Stripe's events, signed with a secret of their own.

mod signature;

use aws_sdk_secretsmanager::Client as SecretsManager;
use order_domain::id::OrderId;
use order_domain::time::Timestamp;
use order_domain::wiring::variable;
use serde::Deserialize;

use super::secret::Secret;
use super::settings::{self, SettingError};
use crate::failure::Failure;
use crate::ports::{GatewayEvent, GatewayEventKind, Webhook, Webhooks};

/// The webhooks of the gateway that this function belongs to.
#[derive(Debug)]
pub struct StripeWebhooks {
    secret: Secret,
}

impl StripeWebhooks {
    /// With the secret that the environment names.
    ///
    /// # Errors
    /// When it names none.
    pub fn from_environment(secrets: SecretsManager) -> Result<Self, SettingError> {
        let arn = settings::text(variable::WEBHOOK_SECRET_ARN)?;
        Ok(Self { secret: Secret::new(secrets, arn, "the webhooks' signing secret") })
    }
}

/// An event of Stripe, as far as it is used (docs.stripe.com/api/events/object).
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: Object,
}

/// A payment intent, or a charge, which names its payment intent.
#[derive(Debug, Deserialize)]
struct Object {
    id: String,
    payment_intent: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(rename = "orderId")]
    order_id: Option<String>,
}

impl Webhooks for StripeWebhooks {
    async fn verify(&self, payload: &str, header: &str, accepted_at: Timestamp) -> Result<Webhook, Failure> {
        // While the secret is rotated it holds both, the new one first.
        let secrets = self.secret.value().await?;
        if let Err(refused) = signature::verify(payload, header, secrets.split_whitespace(), accepted_at) {
            // The secret may have been rotated: read it again next time.
            self.secret.forget().await;
            return Ok(Webhook::Refused(refused.to_string()));
        }
        Ok(match serde_json::from_str::<Event>(payload) {
            Ok(event) => Webhook::Genuine(told(event)),
            Err(error) => Webhook::Refused(format!("it is no event of the gateway: {error}")),
        })
    }
}

fn told(event: Event) -> GatewayEvent {
    let Object { id, payment_intent, metadata } = event.data.object;
    GatewayEvent {
        kind: match event.kind.as_str() {
            "payment_intent.canceled" => GatewayEventKind::Canceled,
            _ => GatewayEventKind::Other,
        },
        order_id: metadata.order_id.and_then(|id| OrderId::new(id).ok()),
        payment_intent: payment_intent.unwrap_or(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_its_order_and_its_payment() {
        let text = r#"{"id":"evt_1","type":"payment_intent.canceled","data":{"object":
            {"id":"pi_1","object":"payment_intent","metadata":{"orderId":"ord-1"}}}}"#;
        let event = told(serde_json::from_str(text).unwrap());
        assert_eq!((event.kind, event.payment_intent.as_str()), (GatewayEventKind::Canceled, "pi_1"));
        assert_eq!(event.order_id.unwrap().as_str(), "ord-1");
    }

    #[test]
    fn a_charge_names_its_payment_and_a_foreign_event_no_order() {
        let text = r#"{"type":"charge.refunded","data":{"object":{"id":"ch_1","payment_intent":"pi_1"}}}"#;
        let event = told(serde_json::from_str(text).unwrap());
        assert_eq!((event.payment_intent.as_str(), event.order_id), ("pi_1", None));
    }
}
