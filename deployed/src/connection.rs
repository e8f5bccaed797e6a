//! Everything that a client of an environment has to know, as `cargo ops up --json` prints it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How to reach a running environment with any AWS SDK or HTTP client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Base URL of the AWS APIs, e.g. `http://127.0.0.1:40123`.
    pub endpoint: String,
    /// AWS region to sign for.
    pub region: String,
    /// Access key id to sign with.
    pub access_key_id: String,
    /// Secret access key to sign with.
    pub secret_access_key: String,
    /// Base URL of the order API, without a trailing slash: append `/orders`.
    pub api_url: String,
    /// Name of the orders table.
    pub orders_table: String,
    /// Name of the inventory table.
    pub inventory_table: String,
    /// Queue URLs by name without the suffix, e.g. `payment-queue`, `payment-dlq`.
    pub queues: BTreeMap<String, String>,
    /// Topic ARNs by name without the suffix, e.g. `order-confirmation-topic`.
    pub topics: BTreeMap<String, String>,
    /// Function names by name without the suffix, e.g. `payment-function`.
    pub functions: BTreeMap<String, String>,
    /// Log group names by function name without the suffix.
    pub log_groups: BTreeMap<String, String>,
}

/// The payment gateway that the environment's functions call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentGateway {
    /// Base URL, without a trailing slash.
    pub url: String,
    /// The API key that it accepts.
    pub api_key: String,
    /// The secret that it signs its webhooks with.
    pub webhook_secret: String,
}

impl std::fmt::Debug for PaymentGateway {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PaymentGateway").field("url", &self.url).finish_non_exhaustive()
    }
}
