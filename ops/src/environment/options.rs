//! What a caller may choose about an environment.

use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::progress::Progress;
use crate::toolchain::TerraformChoice;

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
    /// Whether fault proxies stand between the functions and AWS, and between them and the payment gateway.
    pub fault_proxies: bool,
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
            fault_proxies: false,
            progress: Progress::silent(),
            cancel: Cancel::new(),
        }
    }

    /// With proxies that can make AWS and the payment gateway fail for the functions, and for nobody else. They live in
    /// this process, so it cannot be detached.
    #[must_use]
    pub fn with_fault_proxies(self) -> Self {
        Self { fault_proxies: true, ..self }
    }
}
