//! The state that all requests share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use tokio::runtime::Handle;

use super::request_log::RequestLog;
use super::webhook_sender::Webhooks;
use crate::engine::Engine;

/// State that all requests share.
pub(super) struct Shared {
    engine: Mutex<Engine>,
    log: Mutex<RequestLog>,
    webhooks: Webhooks,
    pub(super) api_key: String,
}

/// Omits the API key.
impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Shared {
    /// Call it in the Tokio runtime that serves.
    pub(super) fn new(api_key: String, http: reqwest::Client) -> Self {
        Self {
            engine: Mutex::default(),
            log: Mutex::default(),
            webhooks: Webhooks::new(http, Handle::current()),
            api_key,
        }
    }

    /// The engine. It is valid after every step, so a poisoned lock is safe to use.
    pub(super) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request log.
    pub(super) fn log(&self) -> MutexGuard<'_, RequestLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The webhook sender.
    pub(super) const fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// Sends webhooks for the events since the last call.
    pub(super) fn publish(&self) {
        let pending_events = self.engine().take_pending_events();
        self.webhooks.publish(pending_events);
    }
}

/// The shared state, as a handler receives it.
pub(super) type Gateway = State<Arc<Shared>>;
