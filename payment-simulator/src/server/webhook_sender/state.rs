//! The state that all deliveries of webhooks share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::webhook::{WebhookSettings, WebhookSummary};

/// State that the deliveries share.
#[derive(Debug)]
pub struct State {
    pub http: reqwest::Client,
    pub inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
pub struct Inner {
    pub settings: Option<WebhookSettings>,
    pub summary: WebhookSummary,
    /// Number of events; event ids are made from it.
    pub events: u64,
}

impl State {
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
