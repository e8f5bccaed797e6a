//! The simulator over HTTP: Stripe's routes, and these admin routes, which need no API key:
//!
//! | route | what it does |
//! | --- | --- |
//! | `GET`, `POST /_simulator/faults` | reads or replaces the faults: [`Faults`] |
//! | `PUT /_simulator/search` | sets the delay of the search index: `{"staleness_seconds": 60}` |
//! | `GET`, `PUT`, `DELETE /_simulator/webhooks` | reads, sets or removes the webhook endpoint: [`WebhookSettings`], [`WebhookSummary`] |
//! | `GET /_simulator/clock`, `POST /_simulator/clock/advance` | reads or advances the clock: `{"seconds": 604800}` expires every authorisation |
//! | `GET`, `DELETE /_simulator/requests` | reads or clears the request log, oldest first: [`LoggedRequest`] |
//! | `GET /_simulator/ledger` | sums of the ledger: [`LedgerSummary`] |
//! | `GET /_simulator/health` | 204 |

pub mod cli;
mod clock;
mod request_log;
mod routes;
mod shared;
mod webhook_sender;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use request_log::LoggedRequest;
use shared::Shared;

use crate::{Faults, LedgerSummary, WebhookSettings, WebhookSummary};

/// Timeout of a webhook request.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the simulator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The port cannot be used.
    #[error("the payment simulator cannot listen on 127.0.0.1:{port}; choose another port, or 0 for a free one")]
    Listen {
        /// The port asked for.
        port: u16,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The HTTP client for webhooks cannot be created.
    #[error("the payment simulator cannot send webhooks; check the system's TLS certificates")]
    Webhooks(#[source] reqwest::Error),
    /// Serving ended with an error.
    #[error("the payment simulator stopped serving; start it again")]
    Serve(#[source] std::io::Error),
}

/// A simulator that is bound to its port but does not serve yet.
pub struct BoundSimulator {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl BoundSimulator {
    /// Listens on a port of the loopback address, 0 for a free one. `api_key` is the one key that is accepted.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Listen`] when the port is taken.
    pub async fn bind(port: u16, api_key: impl Into<String>) -> Result<Self, SimulatorError> {
        let failed = |source| SimulatorError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        // An error means that a provider is already installed, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(WEBHOOK_TIMEOUT).build().map_err(SimulatorError::Webhooks)?;
        Ok(Self { listener, address, shared: Arc::new(Shared::new(api_key.into(), http)) })
    }

    /// Base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the webhook endpoint.
    pub fn set_webhooks(&self, settings: WebhookSettings) {
        self.shared.webhooks().set(Some(settings));
    }

    /// Sets the delay, in seconds, until a search finds a changed payment.
    pub fn set_search_staleness(&self, seconds: u32) {
        self.shared.engine().set_search_staleness(seconds.into());
    }

    /// Serves until `stop` completes.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Serve`] when the listener fails.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), SimulatorError> {
        let router = routes::router(self.shared);
        axum::serve(self.listener, router).with_graceful_shutdown(stop).await.map_err(SimulatorError::Serve)
    }
}

/// A simulator that runs in this process; it stops when this is dropped.
#[derive(Debug)]
pub struct GatewaySimulator {
    url: String,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), SimulatorError>>,
}

impl GatewaySimulator {
    /// Starts on a free port of the loopback address. `api_key` is the one key that is accepted.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Listen`] when there is no free port.
    pub async fn start(api_key: impl Into<String>) -> Result<Self, SimulatorError> {
        let bound = BoundSimulator::bind(0, api_key).await?;
        let (url, shared) = (bound.url(), Arc::clone(&bound.shared));
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let task = tokio::spawn(bound.serve(async move {
            // An error means that the sender was dropped, which also means stop.
            let _ = stopped.wait_for(|stop| *stop).await;
        }));
        Ok(Self { url, shared, stop, task })
    }

    /// Base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Replaces the faults.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.engine().set_faults(faults);
    }

    /// Sets the delay, in seconds, until a search finds a changed payment.
    pub fn set_search_staleness(&self, seconds: u32) {
        self.shared.engine().set_search_staleness(seconds.into());
    }

    /// Sets the webhook endpoint; `None` removes it.
    pub fn set_webhooks(&self, settings: Option<WebhookSettings>) {
        self.shared.webhooks().set(settings);
    }

    /// The webhook endpoint and the numbers of deliveries.
    #[must_use]
    pub fn webhooks(&self) -> WebhookSummary {
        self.shared.webhooks().summary()
    }

    /// Advances the gateway's clock: authorisations and idempotency keys expire as if that time had passed.
    pub fn advance_clock(&self, by: Duration) {
        let seconds = u32::try_from(by.as_secs()).unwrap_or(u32::MAX);
        self.shared.engine().advance(seconds, clock::now());
        self.shared.publish();
    }

    /// The received requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.log().all()
    }

    /// The sums of the ledger.
    #[must_use]
    pub fn ledger(&self) -> LedgerSummary {
        self.shared.engine().summary()
    }

    /// Stops accepting requests, finishes running ones, and waits for the end.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Serve`] when serving had already failed.
    pub async fn stop(mut self) -> Result<(), SimulatorError> {
        self.stop.send_replace(true);
        match (&mut self.task).await {
            Ok(result) => result,
            Err(ended) => Err(SimulatorError::Serve(std::io::Error::other(ended))),
        }
    }
}

impl Drop for GatewaySimulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}
