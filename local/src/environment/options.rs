//! The options of an environment.

use std::path::PathBuf;
use std::sync::Arc;

use super::Detour;
use crate::toolchain::TerraformChoice;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// How long the processes of an environment live.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// They end with this process, even if it is killed.
    #[default]
    ThisProcess,
    /// They keep running until [`down`](crate::environment::down).
    Detached {
        /// An executable with the command `gateway-simulator`, which runs the payment simulator as a process: `ops`.
        executable: PathBuf,
    },
}

/// How to bring an environment up. Start from [`UpOptions::local`].
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// Suffix of the environment under `envs/` to apply.
    pub environment: String,
    /// Name of the instance; several can run at once.
    pub instance: String,
    /// Which Terraform to use.
    pub terraform: TerraformChoice,
    /// Whether to build the functions with the release profile.
    pub release: bool,
    /// How long its processes live.
    pub lifetime: Lifetime,
    /// The detour between the functions and their dependencies, if any.
    pub detour: Option<Arc<dyn Detour>>,
    /// Whether the emulator saves its state, so that it can be halted and resumed.
    pub restartable: bool,
    /// Where progress is shown.
    pub progress: Progress,
    /// Stops the work and everything that it started.
    pub cancel: Cancel,
}

impl UpOptions {
    /// The `local` environment as the given instance, living as long as this process, without progress output.
    #[must_use]
    pub fn local(instance: impl Into<String>) -> Self {
        Self {
            environment: "local".into(),
            instance: instance.into(),
            terraform: TerraformChoice::default(),
            release: false,
            lifetime: Lifetime::default(),
            detour: None,
            restartable: false,
            progress: Progress::silent(),
            cancel: Cancel::new(),
        }
    }

    /// With a detour between the functions and their dependencies. The detour runs in this process, so the environment
    /// cannot be detached.
    #[must_use]
    pub fn with_detour(self, detour: Arc<dyn Detour>) -> Self {
        Self { detour: Some(detour), ..self }
    }

    /// With an emulator that can be [halted](crate::environment::Environment::halt_emulator) and resumed.
    #[must_use]
    pub fn with_restarts(self) -> Self {
        Self { restartable: true, ..self }
    }
}
