//! A loopback HTTP proxy for tests that makes a dependency fail.
//!
//! It runs between the functions and AWS, or between the functions and the payment gateway. For a share of the requests it
//! answers with an error or throttling, delays the request, or drops the answer. It forwards everything else unchanged,
//! including the `Host` header, which is part of AWS's signature. Its errors have the format of the called service.
//!
//! [`FaultProxy::set`] and [`FaultProxy::clear`] change the faults at run time; [`FaultProxy::go_down`] and
//! [`FaultProxy::come_back`] make an outage; [`FaultProxy::counts`] returns what it did. A [`Rule`] selects requests by AWS
//! service, AWS action, path or body text. A seed makes the choice reproducible.
//!
//! It does not understand TLS towards its clients, and it keeps whole requests and answers in memory, so it is not for
//! streams.
//!
//! ```no_run
//! use fault_proxy::{Fault, FaultPlan, FaultProxy, Rule};
//!
//! # async fn example() -> Result<(), fault_proxy::FaultProxyError> {
//! let proxy = FaultProxy::before("http://127.0.0.1:4566").await?;
//! // One in ten DynamoDB transactions takes effect, but its answer is lost.
//! let rule = Rule::for_share(Fault::LostAnswer, 0.1).of_service("dynamodb").of_action("TransactWriteItems");
//! proxy.set(FaultPlan::new(7, vec![rule]));
//! // Send requests to proxy.url() instead of http://127.0.0.1:4566.
//! assert_eq!(proxy.counts().faults(), 0);
//! # Ok(())
//! # }
//! ```

mod answer;
mod call;
mod fault;
mod forward;
mod state;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use answer::hang_up;
pub use call::Call;
pub use fault::{Fault, FaultPlan, Rule};
pub use state::Counts;
use state::State;

/// Why the proxy does not run.
#[derive(Debug, thiserror::Error)]
pub enum FaultProxyError {
    /// The port cannot be used.
    #[error("the fault proxy cannot listen on 127.0.0.1; check the limits of open ports and files")]
    Listen(#[source] std::io::Error),
    /// There is no HTTP client.
    #[error("the fault proxy cannot make an HTTP client; check the system's TLS certificates")]
    Client(#[source] reqwest::Error),
}

/// A proxy that runs in this process; it stops when this is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    url: String,
    address: SocketAddr,
    state: Arc<State>,
    /// `None` while it is [down](FaultProxy::go_down).
    server: Mutex<Option<Server>>,
}

/// The listening server.
#[derive(Debug)]
struct Server {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts on a free port of the loopback address, without faults. It answers 502 until
    /// [`set_upstream`](Self::set_upstream): the upstream may need the proxy's address to start.
    ///
    /// # Errors
    ///
    /// When there is no free port, or the HTTP client cannot be created.
    pub async fn start() -> Result<Self, FaultProxyError> {
        let state = Arc::new(State::new(forward::client().map_err(FaultProxyError::Client)?));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(FaultProxyError::Listen)?;
        let address = listener.local_addr().map_err(FaultProxyError::Listen)?;
        let server = Mutex::new(Some(Server::new(listener, &state)));
        Ok(Self { url: format!("http://{address}"), address, state, server })
    }

    /// Starts before a known server, given by its base URL without a trailing slash.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn before(upstream: &str) -> Result<Self, FaultProxyError> {
        let proxy = Self::start().await?;
        proxy.set_upstream(upstream);
        Ok(proxy)
    }

    /// Forwards to this server from now on: its base URL without a trailing slash.
    pub fn set_upstream(&self, url: &str) {
        self.state.set_upstream(url);
    }

    /// Base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Replaces the faults, and restarts the random draws from the plan's seed.
    pub fn set(&self, plan: FaultPlan) {
        self.state.set_plan(plan);
    }

    /// Removes all faults; the counts stay.
    pub fn clear(&self) {
        self.state.set_plan(FaultPlan::default());
    }

    /// The counts since the start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state.counts()
    }

    /// Stops listening: running requests are finished, every connection is closed, and new ones are refused.
    pub async fn go_down(&self) {
        let server = self.server().take();
        if let Some(mut server) = server {
            server.stop.send_replace(true);
            // An error means that the task panicked, and it has ended.
            let _ = (&mut server.task).await;
        }
    }

    /// Listens again, at the same address.
    ///
    /// # Errors
    ///
    /// When another process has taken the port.
    pub async fn come_back(&self) -> Result<(), FaultProxyError> {
        if self.server().is_some() {
            return Ok(());
        }
        let listener = TcpListener::bind(self.address).await.map_err(FaultProxyError::Listen)?;
        *self.server() = Some(Server::new(listener, &self.state));
        Ok(())
    }

    /// The value is valid after every step, so a poisoned lock is safe to use.
    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    fn new(listener: TcpListener, state: &Arc<State>) -> Self {
        let router = forward::router(Arc::clone(state));
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let task = tokio::spawn(async move {
            let stopped = async move {
                // An error means that the sender was dropped, which also means stop.
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "the fault proxy stopped serving");
            }
        });
        Self { stop, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
