//! The processes of an environment, started and stopped together.

use std::path::Path;

use super::gateway::Gateway;
use super::{EnvironmentError, Lifetime};
use crate::cancel::Cancel;
use crate::emulator::{Emulator, EmulatorOptions};
use crate::process::Identity;
use crate::progress::Progress;
use crate::toolchain::Toolchain;

/// The emulator and the payment gateway's simulator.
#[derive(Debug)]
pub struct Processes {
    /// The emulator.
    pub emulator: Emulator,
    /// The payment gateway's simulator.
    pub gateway: Gateway,
}

impl Processes {
    /// Starts both; when one does not start, none is left.
    ///
    /// # Errors
    ///
    /// When one does not start, or when cancelled.
    pub async fn start(
        toolchain: &Toolchain,
        directory: &Path,
        lifetime: &Lifetime,
        progress: Progress,
        cancel: &Cancel,
    ) -> Result<Self, EnvironmentError> {
        let step = progress.step("Starting the emulator and the payment gateway");
        let gateway = Gateway::start(lifetime, directory, cancel).await?;
        let options = EmulatorOptions {
            python: toolchain.python.python(),
            directory: directory.to_owned(),
            detached: matches!(lifetime, Lifetime::Detached { .. }),
        };
        match Emulator::start(&options, cancel).await {
            Ok(emulator) => {
                step.finish(emulator.endpoint());
                Ok(Self { emulator, gateway })
            }
            Err(error) => {
                gateway.stop().await;
                Err(error.into())
            }
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
