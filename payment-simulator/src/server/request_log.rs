//! What the gateway was asked for, so that a test can tell what was sent and under which key.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How many requests are remembered; older ones are forgotten.
const REMEMBERED: usize = 10_000;

/// A request to one of Stripe's routes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedRequest {
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// Status of the answer; absent where the connection was closed without one.
    pub status: Option<u16>,
    /// Whether the answer was the one saved under the key.
    pub replayed: bool,
}

/// The requests, oldest first.
#[derive(Debug, Default)]
pub struct RequestLog {
    requests: VecDeque<LoggedRequest>,
}

impl RequestLog {
    /// Adds one.
    pub fn add(&mut self, request: LoggedRequest) {
        if self.requests.len() == REMEMBERED {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    /// All that are remembered.
    #[must_use]
    pub fn all(&self) -> Vec<LoggedRequest> {
        self.requests.iter().cloned().collect()
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.requests.clear();
    }
}
