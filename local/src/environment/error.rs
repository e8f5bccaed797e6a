//! Why an environment cannot be brought up, used or taken down.

use std::error::Error;
use std::path::PathBuf;

use deployed::instance::{InstanceError, LockError};
use deployed::workspace::WorkspaceError;
use payment_simulator::server::SimulatorError;

use crate::emulator::EmulatorError;
use crate::package::PackageError;
use crate::process::ProcessError;
use crate::terraform::TerraformError;
use crate::toolchain::ToolchainError;

/// An environment cannot be brought up, used or taken down.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The instance is already up.
    #[error(
        "instance `{instance}` is already up; use it, take it down with `cargo ops down --instance {instance}`, or choose another name with --instance"
    )]
    AlreadyUp {
        /// The instance.
        instance: String,
    },
    /// The environment was not generated.
    #[error("there is no generated Terraform in {}; run `cargo run` to generate it, or `cargo run -- env add {environment}` for a new environment", .path.display())]
    NotGenerated {
        /// The environment's suffix.
        environment: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// The environment is for AWS.
    #[error(
        "envs/{environment} is not for the emulator: it would be applied to AWS. Choose one whose env.toml says `emulator = true`, or apply it with Terraform as README.md describes"
    )]
    NotLocal {
        /// The environment's suffix.
        environment: String,
    },
    /// An output of the root module is missing or of another type.
    #[error(
        "the Terraform output `{output}` of envs/{environment} is missing or is not a {expected}; run `cargo run` to generate it again"
    )]
    Output {
        /// The output.
        output: &'static str,
        /// The environment's suffix.
        environment: String,
        /// The expected type.
        expected: &'static str,
    },
    /// The webhook endpoint cannot be registered at the payment simulator.
    #[error("cannot register the webhook endpoint at the payment simulator; check that it still runs")]
    Webhooks {
        /// The failed request.
        #[source]
        source: reqwest::Error,
    },
    /// The gateway's key cannot be stored.
    #[error("cannot put the payment gateway's key into the secret {secret}")]
    Secret {
        /// The secret's ARN.
        secret: String,
        /// The API's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The remaining resources cannot be listed.
    #[error("cannot list the emulator's resources of the kind `{kind}`")]
    Inventory {
        /// The kind of resource.
        kind: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The detached payment simulator does not answer.
    #[error("the payment simulator did not start; its log is {}", .log.display())]
    Gateway {
        /// Its log file.
        log: PathBuf,
    },
    /// The payment simulator does not start.
    #[error("the payment simulator did not start")]
    Simulator(#[from] SimulatorError),
    /// A detached environment with a detour, which would end before it.
    #[error("a detour ends with this process and a detached environment does not; choose one of the two")]
    DetachedDetour,
    /// A file of the instance cannot be read or written.
    #[error("cannot {action} {}", .path.display())]
    File {
        /// The operation.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The work was cancelled.
    #[error("cancelled; everything that was started has been stopped")]
    Cancelled,
    /// There is no workspace.
    #[error("no workspace")]
    Workspace(#[from] WorkspaceError),
    /// A tool is missing.
    #[error("the toolchain is not ready")]
    Toolchain(#[from] ToolchainError),
    /// The functions cannot be packaged.
    #[error("the functions cannot be packaged")]
    Package(#[from] PackageError),
    /// The emulator does not run.
    #[error("the emulator does not run")]
    Emulator(#[from] EmulatorError),
    /// Terraform failed.
    #[error("Terraform failed")]
    Terraform(#[from] TerraformError),
    /// The instance cannot be locked, read or written.
    #[error(transparent)]
    Instance(#[from] InstanceError),
}

impl EnvironmentError {
    /// Whether the work was cancelled, as opposed to failed.
    #[must_use]
    pub fn is_cancellation(&self) -> bool {
        is_cancellation(self)
    }
}

/// Whether an error or any of its causes is a cancellation.
#[must_use]
pub fn is_cancellation(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(current) = next {
        let cancelled = matches!(current.downcast_ref(), Some(EnvironmentError::Cancelled))
            || matches!(current.downcast_ref(), Some(EmulatorError::Cancelled))
            || matches!(current.downcast_ref(), Some(ProcessError::Cancelled { .. }))
            || matches!(current.downcast_ref(), Some(LockError::Cancelled { .. }));
        if cancelled {
            return true;
        }
        next = current.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_command_among_the_causes_is_a_cancellation() {
        let program = "terraform".to_owned();
        let error = EnvironmentError::Terraform(ProcessError::Cancelled { program }.into());
        assert!(error.is_cancellation());
        assert!(!EnvironmentError::Instance(InstanceError::InUse { instance: "local".into() }).is_cancellation());
    }
}
