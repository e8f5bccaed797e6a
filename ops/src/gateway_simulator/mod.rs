//! A payment gateway for the local environment: the subset of Stripe's v1 API that the pipeline uses, with its
//! idempotency semantics, its test cards, and faults on demand. The simulators that can be had keep no idempotency
//! keys, and whether anybody is charged twice is exactly what our tests have to show.
//!
//! Beside Stripe's routes it has `POST /_simulator/faults`, `PUT /_simulator/search` (how stale it is),
//! `GET /_simulator/ledger` and `GET /_simulator/health`, which need no key.

mod answer;
mod command;
mod engine;
mod fault;
mod idempotency;
mod ledger;
mod objects;
mod payment_method;
mod routes;
mod summary;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use fault::Faults;
pub use summary::{LedgerSummary, OrderPayments, Totals};

/// Why the simulator does not run.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The port cannot be listened on.
    #[error(
        "the payment gateway simulator cannot listen on 127.0.0.1:{port}; choose another port, or 0 for a free one"
    )]
    Listen {
        /// The port asked for.
        port: u16,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// Serving ended with an error.
    #[error("the payment gateway simulator stopped serving; start it again")]
    Serve(#[source] std::io::Error),
}

/// A simulator that is bound to its port and does not serve yet.
pub struct BoundSimulator {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<routes::Shared>,
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
        Ok(Self { listener, address, shared: Arc::new(routes::Shared::new(api_key.into())) })
    }

    /// Base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until `stop` is done.
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
    shared: Arc<routes::Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), SimulatorError>>,
}

impl GatewaySimulator {
    /// Starts on a free port of the loopback address. `api_key` is the one key that is accepted.
    ///
    /// # Errors
    ///
    /// [`SimulatorError::Listen`] when no port can be had.
    pub async fn start(api_key: impl Into<String>) -> Result<Self, SimulatorError> {
        let bound = BoundSimulator::bind(0, api_key).await?;
        let (url, shared) = (bound.url(), Arc::clone(&bound.shared));
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let task = tokio::spawn(bound.serve(async move {
            // An error means that the sender is gone, which is as good a reason to stop.
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

    /// How many seconds a change takes until a search sees it.
    pub fn set_search_staleness(&self, seconds: u32) {
        self.shared.engine().set_search_staleness(seconds.into());
    }

    /// What the books add up to.
    #[must_use]
    pub fn ledger(&self) -> LedgerSummary {
        self.shared.engine().summary()
    }

    /// Stops accepting, finishes what is under way, and waits for the end.
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
