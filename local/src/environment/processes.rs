//! The processes of an environment, started and stopped together.

use std::path::Path;

use super::gateway::Gateway;
use super::{Detour, EnvironmentError, Lifetime, UpOptions};
use crate::emulator::{Emulator, EmulatorOptions, Launch};
use crate::toolchain::Toolchain;
use deployed::PaymentGateway;
use deployed::instance::Identity;
use std::sync::Arc;

/// The emulator and the payment simulator.
#[derive(Debug)]
pub struct Processes {
    /// The emulator.
    pub emulator: Emulator,
    /// The payment simulator.
    pub gateway: Gateway,
    /// The detour between the functions and the two, if any.
    pub detour: Option<Arc<dyn Detour>>,
}

impl Processes {
    /// Starts both. If one fails to start, neither keeps running.
    ///
    /// # Errors
    ///
    /// When one does not start, or when cancelled.
    pub async fn start(toolchain: &Toolchain, directory: &Path, options: &UpOptions) -> Result<Self, EnvironmentError> {
        let UpOptions { lifetime, progress, cancel, .. } = options;
        if options.detour.is_some() && *lifetime != Lifetime::ThisProcess {
            return Err(EnvironmentError::DetachedDetour);
        }
        let detour = options.detour.clone();
        let step = progress.step("Starting the emulator and the payment gateway");
        let gateway = Gateway::start(lifetime, directory, cancel).await?;
        let launch = Launch::new(EmulatorOptions {
            python: toolchain.python.python(),
            directory: directory.to_owned(),
            detached: matches!(lifetime, Lifetime::Detached { .. }),
        });
        let functions_endpoint = detour.as_ref().map(|detour| detour.aws_url());
        match launch.behind(functions_endpoint.as_deref()).keeping_state(options.restartable).start(cancel).await {
            Ok(emulator) => {
                step.finish(emulator.endpoint());
                if let Some(detour) = &detour {
                    detour.lead_to(emulator.endpoint(), &gateway.address().url);
                }
                Ok(Self { emulator, gateway, detour })
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
        match &self.detour {
            Some(detour) => PaymentGateway { url: detour.gateway_url(), ..address },
            None => address,
        }
    }

    /// The identities by which another process finds them, the emulator first.
    #[must_use]
    pub fn identities(&self) -> Vec<Identity> {
        self.emulator.identity().into_iter().chain(self.gateway.identity()).collect()
    }

    /// Stops both, and every running function.
    pub async fn stop(self) {
        futures::future::join(self.emulator.stop(), self.gateway.stop()).await;
    }
}
