//! A loopback proxy that makes a dependency fail: it stands between the functions and AWS, or between them and the
//! payment gateway, and answers with errors, slowly, or not at all, for a share of the requests. What it forwards it
//! does not change: the `Host` header is part of AWS's signature.
//!
//! It is switched on and off while it runs ([`FaultProxy::set`]), can go away and come back ([`FaultProxy::go_down`]), and
//! counts what it did ([`FaultProxy::counts`]). It keeps whole requests and answers in memory, so it is not for streams.

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
    /// No port can be had.
    #[error("the fault proxy cannot listen on 127.0.0.1; check how many ports and files are open")]
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

/// What listens.
#[derive(Debug)]
struct Server {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts on a free port of the loopback address, without faults. Until [`set_upstream`](Self::set_upstream) it
    /// answers 502: whoever is to be reached through it may have to be told its address first.
    ///
    /// # Errors
    ///
    /// When no port or no HTTP client can be had.
    pub async fn start() -> Result<Self, FaultProxyError> {
        let state = Arc::new(State::new(forward::client().map_err(FaultProxyError::Client)?));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(FaultProxyError::Listen)?;
        let address = listener.local_addr().map_err(FaultProxyError::Listen)?;
        let server = Mutex::new(Some(Server::new(listener, &state)));
        Ok(Self { url: format!("http://{address}"), address, state, server })
    }

    /// As [`start`](Self::start), before a server that is known: its base URL without a trailing slash.
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

    /// Replaces the faults. The plan's draws begin anew.
    pub fn set(&self, plan: FaultPlan) {
        self.state.set_plan(plan);
    }

    /// Injects nothing from now on; the counts stay.
    pub fn clear(&self) {
        self.state.set_plan(FaultPlan::default());
    }

    /// What it did since it was started.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state.counts()
    }

    /// Nobody listens any more: what is under way is finished, every connection is closed, and a new one is refused.
    pub async fn go_down(&self) {
        let server = self.server().take();
        if let Some(mut server) = server {
            server.stop.send_replace(true);
            // Its error would be a panic, which ends it as well.
            let _ = (&mut server.task).await;
        }
    }

    /// Listens again, at the same address.
    ///
    /// # Errors
    ///
    /// When somebody else has taken the port meanwhile.
    pub async fn come_back(&self) -> Result<(), FaultProxyError> {
        if self.server().is_some() {
            return Ok(());
        }
        let listener = TcpListener::bind(self.address).await.map_err(FaultProxyError::Listen)?;
        *self.server() = Some(Server::new(listener, &self.state));
        Ok(())
    }

    /// It is whole after every step, so that a panic elsewhere does not spoil it.
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
                // An error means that the sender is gone, which is as good a reason to stop.
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
