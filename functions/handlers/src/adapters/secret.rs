//! A secret that is read when it is first needed, and again after it was refused.

use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::Client;
use tokio::sync::RwLock;

use super::aws::classify;
use crate::failure::Failure;

/// On suspicion that it was rotated it is read again this often.
const READ_AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// A secret. `Debug` does not show its value.
pub struct Secret {
    source: Source,
    value: RwLock<Option<String>>,
    /// When it was last forgotten on suspicion.
    read_at: RwLock<Option<Instant>>,
}

enum Source {
    /// Secrets Manager, and what the secret is, for errors.
    SecretsManager { client: Client, arn: String, name: &'static str },
    /// Whoever made it.
    Given,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(hidden)")
    }
}

impl Secret {
    /// The secret with this ARN.
    #[must_use]
    pub fn new(client: Client, arn: String, name: &'static str) -> Self {
        Self {
            source: Source::SecretsManager { client, arn, name },
            value: RwLock::default(),
            read_at: RwLock::default(),
        }
    }

    /// A secret whose value is known: outside of Lambda.
    #[must_use]
    pub fn given(value: String) -> Self {
        Self { source: Source::Given, value: RwLock::new(Some(value)), read_at: RwLock::default() }
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
        let Source::SecretsManager { client, arn, name } = &self.source else {
            return Err(Failure::transient_because("a secret has no value"));
        };
        let what = format!("{name} cannot be read");
        let read = client.get_secret_value().secret_id(arn).send().await;
        let read = read.map_err(|error| match classify(what, error) {
            Failure::Permanent { what, cause, .. } => Failure::Transient { what, cause },
            passing => passing,
        })?;
        let value = read.secret_string().unwrap_or_default().trim().to_owned();
        if value.is_empty() {
            return Err(Failure::transient_because(format!("{name} is empty; put a value into the secret")));
        }
        *cached = Some(value.clone());
        Ok(value)
    }

    /// Reads it again when it is needed next, unless it was read a moment ago: whoever sends us nonsense must not make us
    /// read it each time. Whether it will be.
    pub async fn forget_if_old(&self) -> bool {
        let mut read_at = self.read_at.write().await;
        let old = read_at.is_none_or(|at| at.elapsed() >= READ_AT_MOST_EVERY);
        if old {
            *read_at = Some(Instant::now());
            self.forget().await;
        }
        old
    }

    /// Reads it again when it is needed next.
    pub async fn forget(&self) {
        if matches!(self.source, Source::SecretsManager { .. }) {
            *self.value.write().await = None;
        }
    }
}
