//! The payment gateway's webhooks: Stripe's events, signed with a secret of their own.

use aws_sdk_secretsmanager::Client as SecretsManager;
use order_contract::variable;

use super::secret::Secret;
use super::settings::{self, SettingError};
use super::stripe::webhook::{self, Kind, TOLERANCE, WebhookError};
use crate::failure::Failure;
use crate::ports::{GatewayEvent, GatewayEventKind, Signed, Webhook, Webhooks};

/// The webhooks of the gateway that this function belongs to.
#[derive(Debug)]
pub struct StripeWebhooks {
    secret: Secret,
    /// An endpoint hears of everything in its account of the gateway's, which other environments may share.
    environment: String,
}

impl StripeWebhooks {
    /// With the secret that the environment names.
    ///
    /// # Errors
    /// When it names none.
    pub fn from_environment(secrets: SecretsManager) -> Result<Self, SettingError> {
        let arn = settings::text(variable::WEBHOOK_SECRET_ARN)?;
        let secret = Secret::new(secrets, arn, "the webhooks' signing secret");
        Ok(Self { secret, environment: settings::text(variable::ENVIRONMENT_SUFFIX)? })
    }

    /// With a secret that is known and an environment's suffix: outside of Lambda.
    #[must_use]
    pub fn with_secret(secret: String, environment: String) -> Self {
        Self { secret: Secret::given(secret), environment }
    }
}

impl Webhooks for StripeWebhooks {
    async fn verify(&self, payload: &str, signed: &Signed) -> Result<Webhook, Failure> {
        let mut verified = self.check(payload, signed).await?;
        // The secret may have been rotated: it is read again, and the webhook that reveals it is not lost.
        if verified == Err(WebhookError::WrongSignature) && self.secret.forget_if_old().await {
            verified = self.check(payload, signed).await?;
        }
        Ok(match verified {
            Ok(event) => Webhook::Genuine(GatewayEvent {
                kind: match event.kind {
                    Kind::Cancelled => GatewayEventKind::Canceled,
                    Kind::Authorised => GatewayEventKind::Authorised,
                    Kind::RefundFailed => GatewayEventKind::RefundFailed { refund: event.refund.unwrap_or_default() },
                    _ => GatewayEventKind::Other,
                },
                order_id: event.order_id.filter(|_| event.environment.is_none_or(|label| label == self.environment)),
                payment_intent: event.payment_intent.unwrap_or_default(),
            }),
            Err(error) => Webhook::Refused(error.to_string()),
        })
    }
}

impl StripeWebhooks {
    async fn check(
        &self,
        payload: &str,
        Signed { signature, accepted_at }: &Signed,
    ) -> Result<Result<webhook::GatewayEvent, WebhookError>, Failure> {
        let known = self.secret.value().await?;
        // While it is rotated the secret holds both, with a space between them.
        let secrets: Vec<&str> = known.split_whitespace().collect();
        Ok(webhook::verify(payload.as_bytes(), signature, &secrets, *accepted_at, TOLERANCE))
    }
}
