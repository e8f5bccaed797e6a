//! A secret that is read when it is first needed, and again after it was refused.

use aws_sdk_secretsmanager::Client;
use tokio::sync::RwLock;

use super::aws::classify;
use crate::failure::Failure;

/// A secret of Secrets Manager. `Debug` does not show its value.
pub struct Secret {
    client: Client,
    arn: String,
    /// What it is, for errors.
    name: &'static str,
    value: RwLock<Option<String>>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Secret({})", self.arn)
    }
}

impl Secret {
    /// The secret with this ARN.
    #[must_use]
    pub fn new(client: Client, arn: String, name: &'static str) -> Self {
        Self { client, arn, name, value: RwLock::default() }
    }

    /// Its value.
    ///
    /// # Errors
    /// When it cannot be read, or is empty. That passes: an operator puts it, and no order is lost over it.
    pub async fn value(&self) -> Result<String, Failure> {
        if let Some(value) = self.value.read().await.as_ref() {
            return Ok(value.clone());
        }
        let mut cached = self.value.write().await;
        if let Some(value) = cached.as_ref() {
            return Ok(value.clone());
        }
        let what = format!("{} cannot be read", self.name);
        let read = self.client.get_secret_value().secret_id(&self.arn).send().await;
        let read = read.map_err(|error| match classify(what, error) {
            Failure::Permanent { what, cause, .. } => Failure::Transient { what, cause },
            passing => passing,
        })?;
        let value = read.secret_string().unwrap_or_default().trim().to_owned();
        if value.is_empty() {
            return Err(Failure::transient_because(format!("{} is empty; put a value into the secret", self.name)));
        }
        *cached = Some(value.clone());
        Ok(value)
    }

    /// Reads it again when it is needed next.
    pub async fn forget(&self) {
        *self.value.write().await = None;
    }
}
