//! The gateway over HTTP.

use std::time::Duration;

use order_contract::timeout;
use reqwest::{RequestBuilder, StatusCode};

use super::super::secret::Secret;
use super::super::settings::SettingError;
use super::transport::{Reply, Transport, Unanswered};
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

    async fn send(&self, request: RequestBuilder, what: &str) -> Result<Reply, Unanswered> {
        let no_reply = |error: reqwest::Error| Unanswered::NoReply(Failure::transient(what, error.without_url()));
        let key = self.key.value().await.map_err(Unanswered::NotSent)?;
        let request = request.header("Stripe-Version", API_VERSION).bearer_auth(key);
        let response = request.send().await.map_err(no_reply)?;
        let status = response.status();
        let replayed = response.headers().get("Idempotent-Replayed").is_some_and(|value| value == "true");
        let body = response.bytes().await.map_err(no_reply)?.to_vec();
        if status == StatusCode::UNAUTHORIZED {
            self.key.forget().await;
        }
        Ok(Reply { status, body, replayed })
    }
}

impl Transport for Http {
    async fn post(
        &self,
        path: &str,
        idempotency_key: &str,
        form: &[(&str, String)],
        what: &str,
    ) -> Result<Reply, Unanswered> {
        let request = self.client.post(format!("{}{path}", self.url));
        self.send(request.header("Idempotency-Key", idempotency_key).form(form), what).await
    }

    async fn get(&self, path: &str, query: &[(&str, String)], what: &str) -> Result<Reply, Unanswered> {
        self.send(self.client.get(format!("{}{path}", self.url)).query(query), what).await
    }
}
