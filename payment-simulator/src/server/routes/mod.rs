//! The HTTP side of the simulator: as thin as it can be, everything is decided in the engine.

mod admin;
mod logging;
mod stripe;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use tokio::runtime::Handle;

use super::request_log::RequestLog;
use super::webhook_sender::Webhooks;
use crate::engine::Engine;

/// What every request shares.
pub(super) struct Shared {
    engine: Mutex<Engine>,
    log: Mutex<RequestLog>,
    webhooks: Webhooks,
    api_key: String,
}

/// Without the key.
impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Shared {
    /// To be called in the runtime in which it serves.
    pub(super) fn new(api_key: String, http: reqwest::Client) -> Self {
        Self {
            engine: Mutex::default(),
            log: Mutex::default(),
            webhooks: Webhooks::new(http, Handle::current()),
            api_key,
        }
    }

    /// The engine. Its state is sound after every step, so that a panic elsewhere does not spoil it.
    pub(super) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked.
    pub(super) fn log(&self) -> MutexGuard<'_, RequestLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is told what happens.
    pub(super) const fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// Tells what has happened since the last time.
    pub(super) fn tell(&self) {
        let pending_events = self.engine().take_pending_events();
        self.webhooks.tell(pending_events);
    }
}

type Gateway = State<Arc<Shared>>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    stripe::routes(Arc::clone(&shared)).merge(admin::routes()).with_state(shared)
}
