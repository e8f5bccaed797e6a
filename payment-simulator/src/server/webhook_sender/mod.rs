//! Sends webhooks to the registered endpoint: signed, at least once, in no particular order (docs.stripe.com/webhooks).

mod delivery;
mod state;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::engine::PendingEvent;
use crate::ledger::EventType;
use crate::webhook::{WebhookSettings, WebhookSummary, event_body};
use delivery::Deliverer;
use state::State;

/// Delay of a failed refund's webhook: days at a bank; here long enough for the refund's own webhook to arrive.
const REFUND_FAILURE_DELAY: Duration = Duration::from_secs(3);

/// Sends webhooks to the endpoint.
#[derive(Debug)]
pub struct Webhooks {
    state: Arc<State>,
    /// The runtime of the deliveries; a caller may be outside of it.
    runtime: Handle,
    /// Running deliveries; they end with the simulator.
    deliveries: Mutex<JoinSet<()>>,
}

impl Webhooks {
    /// No endpoint yet.
    #[must_use]
    pub fn new(http: reqwest::Client, runtime: Handle) -> Self {
        Self { runtime, state: Arc::new(State { http, inner: Mutex::default() }), deliveries: Mutex::default() }
    }

    /// Sets the endpoint; `None` removes it. Earlier events are not sent.
    pub fn set(&self, settings: Option<WebhookSettings>) {
        self.state.inner().settings = settings;
    }

    /// The endpoint's URL and the numbers of deliveries.
    #[must_use]
    pub fn summary(&self) -> WebhookSummary {
        let inner = self.state.inner();
        WebhookSummary { url: inner.settings.as_ref().map(|settings| settings.url.clone()), ..inner.summary.clone() }
    }

    /// Starts to deliver events.
    pub fn publish(&self, pending_events: Vec<PendingEvent>) {
        let mut deliveries = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
        // Drop the finished ones.
        while deliveries.try_join_next().is_some() {}
        for pending_events in pending_events {
            let mut inner = self.state.inner();
            let Some(settings) = inner.settings.clone() else { return };
            inner.events += 1;
            inner.summary.events += 1;
            let number = inner.events;
            drop(inner);
            let comes_later = pending_events.occurrence.event_type == EventType::RefundFailed;
            let delay = if comes_later { REFUND_FAILURE_DELAY } else { Duration::ZERO };
            let body: Arc<str> = event_body(&pending_events, number).into();
            for copy in 0..settings.faults.copies.max(1) {
                self.state.inner().summary.pending += 1;
                let deliverer = Deliverer { state: Arc::clone(&self.state), settings: settings.clone() };
                deliveries.spawn_on(deliverer.run(number, copy, Arc::clone(&body), delay), &self.runtime);
            }
        }
    }
}
