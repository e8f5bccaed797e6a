//! What a caller may choose about an environment.

use std::path::PathBuf;
use std::sync::Arc;

use super::Detour;
use crate::toolchain::TerraformChoice;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// How long the processes of an environment live.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// They end with this process, even when it is killed.
    #[default]
    ThisProcess,
    /// They go on running until [`down`](crate::environment::down).
    Detached {
        /// The `ops` executable, which runs the payment gateway's simulator as a process of its own.
        executable: PathBuf,
    },
}

/// What to bring up, and how. Start from [`UpOptions::local`].
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// Suffix of the environment under `envs/` to apply.
    pub environment: String,
    /// Name of this running copy of it: two instances can run at once.
    pub instance: String,
    /// Which Terraform to use.
    pub terraform: TerraformChoice,
    /// Whether the functions are built with the release profile.
    pub release: bool,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// What stands between the functions and what they depend on, where anything does.
    pub detour: Option<Arc<dyn Detour>>,
    /// Whether the emulator can be halted and resumed with what it holds.
    pub restartable: bool,
    /// Where progress is shown.
    pub progress: Progress,
    /// Stops the work early, and everything that it has started.
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

    /// With something between the functions and what they depend on. It lives in this process, so the environment cannot
    /// be detached.
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
