//! The payment gateway's webhooks: Stripe's events, signed with a secret of their own.

use aws_sdk_secretsmanager::Client as SecretsManager;
use order_domain::wiring::variable;

use super::secret::Secret;
use super::settings::{self, SettingError};
use super::stripe::webhook::{self, Kind, TOLERANCE, WebhookError};
use crate::failure::Failure;
use crate::ports::{GatewayEvent, GatewayEventKind, Signed, Webhook, Webhooks};

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

impl Webhooks for StripeWebhooks {
    async fn verify(&self, payload: &str, signed: &Signed) -> Result<Webhook, Failure> {
        let Signed { signature, accepted_at } = signed;
        let known = self.secret.value().await?;
        // While it is rotated the secret holds both, with a space between them.
        let secrets: Vec<&str> = known.split_whitespace().collect();
        Ok(match webhook::verify(payload.as_bytes(), signature, &secrets, *accepted_at, TOLERANCE) {
            Ok(event) => Webhook::Genuine(GatewayEvent {
                kind: if event.kind == Kind::Cancelled { GatewayEventKind::Canceled } else { GatewayEventKind::Other },
                order_id: event.order_id,
                payment_intent: event.payment_intent.unwrap_or_default(),
            }),
            Err(error) => {
                if error == WebhookError::WrongSignature {
                    // It may have been rotated: read it again next time.
                    self.secret.forget_if_old().await;
                }
                Webhook::Refused(error.to_string())
            }
        })
    }
}
