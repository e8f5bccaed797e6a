//! Webhooks: what happens at the gateway is told to the one endpoint that was registered, signed, at least once, in no
//! order (docs.stripe.com/webhooks).

mod delivery;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::engine::PendingEvent;
use crate::ledger::EventType;
use crate::webhook::{WebhookSettings, WebhookSummary, event_body};
use delivery::Deliverer;

/// How long a bank takes to send a refund back: days, and here long enough for everybody to have heard of the refund itself.
const A_REFUND_FAILS_AFTER: Duration = Duration::from_secs(3);

/// Tells the endpoint what happens.
#[derive(Debug)]
pub struct Webhooks {
    state: Arc<State>,
    /// Where deliveries run, so that also a caller outside of it can make something happen.
    runtime: Handle,
    /// Deliveries under way; they end with the simulator.
    deliveries: Mutex<JoinSet<()>>,
}

/// What the deliveries share.
#[derive(Debug)]
struct State {
    http: reqwest::Client,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    settings: Option<WebhookSettings>,
    summary: WebhookSummary,
    /// How many events there were; their ids come from it.
    events: u64,
}

impl State {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Webhooks {
    /// No endpoint yet.
    #[must_use]
    pub fn new(http: reqwest::Client, runtime: Handle) -> Self {
        Self { runtime, state: Arc::new(State { http, inner: Mutex::default() }), deliveries: Mutex::default() }
    }

    /// Registers the endpoint, or with `None` nobody is told any more. What happened before is not told.
    pub fn set(&self, settings: Option<WebhookSettings>) {
        self.state.inner().settings = settings;
    }

    /// The endpoint's URL, and what became of the deliveries so far.
    #[must_use]
    pub fn summary(&self) -> WebhookSummary {
        let inner = self.state.inner();
        WebhookSummary { url: inner.settings.as_ref().map(|settings| settings.url.clone()), ..inner.summary.clone() }
    }

    /// Begins to tell what happened.
    pub fn tell(&self, pending_events: Vec<PendingEvent>) {
        let mut deliveries = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that have ended need not be kept.
        while deliveries.try_join_next().is_some() {}
        for pending_events in pending_events {
            let mut inner = self.state.inner();
            let Some(settings) = inner.settings.clone() else { return };
            inner.events += 1;
            inner.summary.events += 1;
            let number = inner.events;
            drop(inner);
            let comes_later = pending_events.occurrence.event_type == EventType::RefundFailed;
            let delay = if comes_later { A_REFUND_FAILS_AFTER } else { Duration::ZERO };
            let body: Arc<str> = event_body(&pending_events, number).into();
            for copy in 0..settings.faults.copies.max(1) {
                self.state.inner().summary.pending += 1;
                let deliverer = Deliverer { state: Arc::clone(&self.state), settings: settings.clone() };
                deliveries.spawn_on(deliverer.run(number, copy, Arc::clone(&body), delay), &self.runtime);
            }
        }
    }
}
