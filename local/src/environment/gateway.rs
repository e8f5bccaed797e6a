//! The payment simulator of an environment: in this process, or as a detached process that outlives it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use payment_simulator::server::cli::API_KEY_VARIABLE;
use rand::Rng;
use rand::distr::Alphanumeric;
use tokio::process::{Child, Command};

use super::{EnvironmentError, Lifetime};
use crate::emulator::free_port;
use crate::process::{Group, responds};
use deployed::PaymentGateway;
use deployed::instance::Identity;
use payment_simulator::server::GatewaySimulator;
use terminal::cancel::Cancel;

/// Time to start. Normally it listens at once; a busy machine needs longer.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Attempts to find a free port: another process can take it first.
const ATTEMPTS: usize = 5;

/// A running payment simulator.
#[derive(Debug)]
pub struct Gateway {
    address: PaymentGateway,
    running: Running,
}

#[derive(Debug)]
enum Running {
    Here(GatewaySimulator),
    Detached(Child),
}

impl Gateway {
    /// Starts a simulator. A detached one logs to `logs/` in `directory`.
    ///
    /// # Errors
    ///
    /// When it cannot listen or does not answer, or when cancelled.
    pub async fn start(lifetime: &Lifetime, directory: &Path, cancel: &Cancel) -> Result<Self, EnvironmentError> {
        let api_key = random(API_KEY);
        match lifetime {
            Lifetime::ThisProcess => {
                let simulator = GatewaySimulator::start(api_key.clone()).await?;
                let address =
                    PaymentGateway { url: simulator.url().to_owned(), api_key, webhook_secret: random(WEBHOOK_SECRET) };
                Ok(Self { address, running: Running::Here(simulator) })
            }
            Lifetime::Detached { executable } => detached(executable, directory, api_key, cancel).await,
        }
    }

    /// Its URL, the API key that it accepts, and the webhooks' secret.
    #[must_use]
    pub fn address(&self) -> &PaymentGateway {
        &self.address
    }

    /// The simulator, if it runs in this process.
    #[must_use]
    pub fn simulator(&self) -> Option<&GatewaySimulator> {
        match &self.running {
            Running::Here(simulator) => Some(simulator),
            Running::Detached(_) => None,
        }
    }

    /// The identity of a detached simulator, by which another process can stop it.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        match &self.running {
            Running::Here(_) => None,
            Running::Detached(child) => Identity::of(child.id()?),
        }
    }

    /// Stops it.
    pub async fn stop(self) {
        match self.running {
            Running::Here(simulator) => {
                // An error means that it had stopped before.
                let _ = simulator.stop().await;
            }
            Running::Detached(mut child) => end(&mut child).await,
        }
    }
}

async fn detached(
    executable: &Path,
    directory: &Path,
    api_key: String,
    cancel: &Cancel,
) -> Result<Gateway, EnvironmentError> {
    let logs = directory.join("logs");
    std::fs::create_dir_all(&logs).map_err(|source| EnvironmentError::File {
        action: "make",
        path: logs.clone(),
        source,
    })?;
    let log = logs.join("payment-gateway.log");
    for _ in 0..ATTEMPTS {
        let written = |source| EnvironmentError::File { action: "write", path: log.clone(), source };
        let file = std::fs::File::create(&log).map_err(written)?;
        let port = free_port().map_err(written)?;
        let mut child = Command::new(executable)
            .args(["gateway-simulator", "--port", &port.to_string()])
            .env(API_KEY_VARIABLE, &api_key)
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(written)?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .map_err(|source| EnvironmentError::File { action: "run", path: executable.to_owned(), source })?;
        let url = format!("http://127.0.0.1:{port}");
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let ended = child.try_wait().ok().flatten().is_some();
            if ended {
                break;
            }
            if responds(&url, "/_simulator/health").await {
                let address = PaymentGateway { url, api_key, webhook_secret: random(WEBHOOK_SECRET) };
                return Ok(Gateway { address, running: Running::Detached(child) });
            }
            if cancel.is_cancelled() {
                end(&mut child).await;
                return Err(EnvironmentError::Cancelled);
            }
            if Instant::now() >= deadline {
                end(&mut child).await;
                return Err(EnvironmentError::Gateway { log });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Err(EnvironmentError::Gateway { log })
}

async fn end(child: &mut Child) {
    if let Some(group) = child.id().and_then(Group::led_by) {
        group.terminate();
        let _ = tokio::time::timeout(Duration::from_secs(3), child.wait()).await;
        group.kill();
    }
    let _ = child.wait().await;
}

/// Prefix of Stripe's test keys.
const API_KEY: &str = "sk_test_";
/// Prefix of Stripe's signing secrets.
const WEBHOOK_SECRET: &str = "whsec_";

/// A new random secret with this prefix.
fn random(prefix: &str) -> String {
    let random: String = rand::rng().sample_iter(Alphanumeric).take(24).map(char::from).collect();
    format!("{prefix}{random}")
}
