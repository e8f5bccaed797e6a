//! The processes of an environment, started and stopped together.

use std::path::Path;

use super::fault_proxies::FaultProxies;
use super::gateway::Gateway;
use super::{EnvironmentError, Lifetime, PaymentGateway, UpOptions};
use crate::emulator::{Emulator, EmulatorOptions};
use crate::process::Identity;
use crate::toolchain::Toolchain;

/// The emulator and the payment gateway's simulator.
#[derive(Debug)]
pub struct Processes {
    /// The emulator.
    pub emulator: Emulator,
    /// The payment gateway's simulator.
    pub gateway: Gateway,
    /// What stands between the functions and the two, if that was asked for.
    pub fault_proxies: Option<FaultProxies>,
}

impl Processes {
    /// Starts both; when one does not start, none is left.
    ///
    /// # Errors
    ///
    /// When one does not start, or when cancelled.
    pub async fn start(toolchain: &Toolchain, directory: &Path, options: &UpOptions) -> Result<Self, EnvironmentError> {
        let UpOptions { lifetime, progress, cancel, .. } = options;
        let fault_proxies = FaultProxies::start(options).await?;
        let step = progress.step("Starting the emulator and the payment gateway");
        let gateway = Gateway::start(lifetime, directory, cancel).await?;
        let options = EmulatorOptions {
            python: toolchain.python.python(),
            directory: directory.to_owned(),
            detached: matches!(lifetime, Lifetime::Detached { .. }),
        };
        let functions_endpoint = fault_proxies.as_ref().map(|proxies| proxies.aws.url());
        match Emulator::start_behind(functions_endpoint, &options, cancel).await {
            Ok(emulator) => {
                step.finish(emulator.endpoint());
                if let Some(proxies) = &fault_proxies {
                    proxies.aws.set_upstream(emulator.endpoint());
                    proxies.gateway.set_upstream(&gateway.address().url);
                }
                Ok(Self { emulator, gateway, fault_proxies })
            }
            Err(error) => {
                gateway.stop().await;
                Err(error.into())
            }
        }
    }

    /// The payment gateway as the functions reach it.
    #[must_use]
    pub fn gateway_address(&self) -> PaymentGateway {
        let address = self.gateway.address().clone();
        match &self.fault_proxies {
            Some(proxies) => PaymentGateway { url: proxies.gateway.url().to_owned(), ..address },
            None => address,
        }
    }

    /// How another process finds them: the emulator first.
    #[must_use]
    pub fn identities(&self) -> Vec<Identity> {
        self.emulator.identity().into_iter().chain(self.gateway.identity()).collect()
    }

    /// Stops both, and every function that the emulator runs.
    pub async fn stop(self) {
        futures::future::join(self.emulator.stop(), self.gateway.stop()).await;
    }
}
