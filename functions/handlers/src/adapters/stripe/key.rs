//! The gateway's API key: read from Secrets Manager when it is first needed, and again after a refusal.

use std::fmt;

use aws_sdk_secretsmanager::Client as SecretsManager;
use tokio::sync::RwLock;

use super::super::aws::classify;
use crate::failure::Failure;

/// Where the key comes from.
pub struct ApiKey {
    source: Source,
    known: RwLock<Option<String>>,
}

enum Source {
    Secret { client: SecretsManager, arn: String },
    Given(String),
}

/// Without the key.
impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiKey").finish_non_exhaustive()
    }
}

impl ApiKey {
    /// The value of a secret.
    pub fn in_secret(client: SecretsManager, arn: String) -> Self {
        Self { source: Source::Secret { client, arn }, known: RwLock::default() }
    }

    /// A key that is known.
    pub fn given(key: String) -> Self {
        Self { source: Source::Given(key), known: RwLock::default() }
    }

    /// The key.
    pub async fn read(&self) -> Result<String, Failure> {
        let (client, arn) = match &self.source {
            Source::Given(key) => return Ok(key.clone()),
            Source::Secret { client, arn } => (client, arn),
        };
        if let Some(key) = self.known.read().await.as_ref() {
            return Ok(key.clone());
        }
        let mut known = self.known.write().await;
        if let Some(key) = known.as_ref() {
            return Ok(key.clone());
        }
        let secret = client.get_secret_value().secret_id(arn).send().await;
        let secret = secret.map_err(|error| match classify("the payment gateway's key cannot be read", error) {
            // A secret without a value is for an operator to fill; no order is lost over it.
            Failure::Permanent { what, cause, .. } => Failure::Transient { what, cause },
            transient => transient,
        })?;
        let key = secret.secret_string().unwrap_or_default().trim().to_owned();
        if key.is_empty() {
            return Err(Failure::transient_because("the payment gateway's secret is empty; put the API key into it"));
        }
        *known = Some(key.clone());
        Ok(key)
    }

    /// Reads the key again next time: it may have been rotated.
    pub async fn forget(&self) {
        *self.known.write().await = None;
    }
}
