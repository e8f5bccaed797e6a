//! The log of received requests, so that a test can check what was sent and under which idempotency key.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Maximum logged requests; older ones are removed.
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
    /// Status of the answer; `None` if the connection was closed without one.
    pub status: Option<u16>,
    /// Whether the answer was a saved one.
    pub replayed: bool,
}

/// The requests, oldest first.
#[derive(Debug, Default)]
pub struct RequestLog {
    requests: VecDeque<LoggedRequest>,
}

impl RequestLog {
    /// Adds a request.
    pub fn add(&mut self, request: LoggedRequest) {
        if self.requests.len() == REMEMBERED {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    /// All logged requests.
    #[must_use]
    pub fn all(&self) -> Vec<LoggedRequest> {
        self.requests.iter().cloned().collect()
    }

    /// Removes all requests.
    pub fn clear(&mut self) {
        self.requests.clear();
    }
}
