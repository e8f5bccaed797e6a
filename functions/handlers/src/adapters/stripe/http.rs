//! One request to the gateway and its reply, without a meaning yet.

use std::time::Duration;

use order_contract::timeout;
use reqwest::{RequestBuilder, StatusCode};

use super::super::secret::Secret;
use super::super::settings::SettingError;
use crate::failure::Failure;

/// The API's version that the requests and answers are written for: an account's default may be older or newer, and changes
/// by itself (docs.stripe.com/api/versioning).
const API_VERSION: &str = "2024-06-20";

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum GatewaySetupError {
    /// A variable is missing.
    #[error("the payment gateway is not configured")]
    Setting(#[from] SettingError),
    /// No HTTP client.
    #[error("the HTTP client of the payment gateway cannot be built")]
    Http(#[source] reqwest::Error),
}

/// What the gateway replied.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// JSON, or what a proxy in between put there.
    pub body: Vec<u8>,
    /// Whether the gateway repeats what it saved under the idempotency key.
    pub replayed: bool,
}

impl Reply {
    /// Whether this is a server error that was saved: under this key the gateway says nothing else for at least 24 hours
    /// (docs.stripe.com/api/idempotent_requests), and what was done is not known.
    pub fn is_saved_error(&self) -> bool {
        self.replayed && self.status.is_server_error()
    }
}

/// The gateway's address, and who we are there.
#[derive(Debug)]
pub struct Http {
    client: reqwest::Client,
    url: String,
    key: Secret,
}

impl Http {
    /// A client for the gateway at a base URL.
    pub fn new(url: String, key: Secret) -> Result<Self, GatewaySetupError> {
        // Another part of the process may have chosen the same provider already; then there is nothing to do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            reqwest::Client::builder().timeout(timeout::GATEWAY_CALL).connect_timeout(Duration::from_secs(2)).build();
        Ok(Self { client: client.map_err(GatewaySetupError::Http)?, url, key })
    }

    /// Asks for a change, under a key that makes asking twice asking once.
    pub async fn post(
        &self,
        path: &str,
        idempotency_key: &str,
        form: &[(&str, String)],
        what: &str,
    ) -> Result<Reply, Failure> {
        let request = self.client.post(format!("{}{path}", self.url));
        self.send(request.header("Idempotency-Key", idempotency_key).form(form), what).await
    }

    /// Reads.
    pub async fn get(&self, path: &str, query: &[(&str, String)], what: &str) -> Result<Reply, Failure> {
        self.send(self.client.get(format!("{}{path}", self.url)).query(query), what).await
    }

    async fn send(&self, request: RequestBuilder, what: &str) -> Result<Reply, Failure> {
        let transient = |error: reqwest::Error| Failure::transient(what, error.without_url());
        let request = request.header("Stripe-Version", API_VERSION).bearer_auth(self.key.value().await?);
        let response = request.send().await.map_err(transient)?;
        let status = response.status();
        let replayed = response.headers().get("Idempotent-Replayed").is_some_and(|value| value == "true");
        let body = response.bytes().await.map_err(transient)?.to_vec();
        if status == StatusCode::UNAUTHORIZED {
            self.key.forget().await;
        }
        Ok(Reply { status, body, replayed })
    }
}
