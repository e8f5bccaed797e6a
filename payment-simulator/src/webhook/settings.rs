//! Where webhooks go, what goes wrong with them on demand, and what became of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The endpoint, and how events are delivered to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Where events are posted.
    pub url: String,
    /// Signing secrets, `whsec_…`: one, or two while the secret is changed. Each signs every delivery.
    pub secrets: Vec<String>,
    /// Milliseconds before the first retry of a delivery that was not answered with 2xx; each further wait is twice as
    /// long, up to half a minute. Stripe begins with minutes and goes on for three days.
    #[serde(default = "first_retry")]
    pub first_retry_ms: u64,
    /// How often a delivery is tried before it is abandoned.
    #[serde(default = "attempts")]
    pub attempts: u32,
    /// What goes wrong.
    #[serde(default)]
    pub faults: WebhookFaults,
}

const fn first_retry() -> u64 {
    200
}

const fn attempts() -> u32 {
    15
}

/// Without the secrets.
impl fmt::Debug for WebhookSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, secrets, first_retry_ms, attempts, faults } = self;
        formatter
            .debug_struct("WebhookSettings")
            .field("url", url)
            .field("secrets", &secrets.len())
            .field("first_retry_ms", first_retry_ms)
            .field("attempts", attempts)
            .field("faults", faults)
            .finish()
    }
}

impl WebhookSettings {
    /// An endpoint with one secret, told without faults.
    #[must_use]
    pub fn new(url: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            secrets: vec![secret.into()],
            first_retry_ms: first_retry(),
            attempts: attempts(),
            faults: WebhookFaults::default(),
        }
    }
}

/// What goes wrong with every delivery until the settings are replaced. The default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookFaults {
    /// How many times each event is delivered; 0 counts as 1.
    pub copies: u32,
    /// Each delivery waits up to so many milliseconds first, so that events overtake each other.
    pub shuffle_within_ms: u64,
    /// Signs with another secret, as somebody else would.
    pub wrong_signature: bool,
    /// Picks the waits: the same seed, the same waits.
    pub seed: u64,
}

/// What became of the deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSummary {
    /// The endpoint, where there is one.
    pub url: Option<String>,
    /// Events since the endpoint was registered.
    pub events: u64,
    /// Deliveries that were answered with 2xx.
    pub delivered: u64,
    /// Tries that were not.
    pub refused: u64,
    /// Deliveries that were abandoned after the last attempt.
    pub abandoned: u64,
    /// Deliveries under way.
    pub pending: u64,
}
