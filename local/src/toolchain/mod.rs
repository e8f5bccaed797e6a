//! Finds or installs the tools of an environment: a Python virtual environment under `target/toolchain` with the emulator,
//! Terraform, and the source of Terraform's AWS provider.

mod error;
mod provider;
mod python;
mod requirements;
mod terraform;
mod version;
mod virtual_environment;

pub use error::ToolchainError;
pub use provider::ProviderSource;
pub use requirements::Requirements;
pub use terraform::{TerraformChoice, TerraformProgram};
pub use version::Version;
pub use virtual_environment::VirtualEnvironment;

use deployed::workspace::Workspace;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// Every tool, ready to use.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// The virtual environment with the emulator.
    pub python: VirtualEnvironment,
    /// Terraform.
    pub terraform: TerraformProgram,
    /// The source of Terraform's AWS provider.
    pub provider: ProviderSource,
}

impl Toolchain {
    /// Finds the tools, and installs the missing ones.
    ///
    /// # Errors
    ///
    /// When there is no Python 3.11, when an installation fails, or when cancelled.
    pub async fn ready(
        workspace: &Workspace,
        choice: TerraformChoice,
        progress: Progress,
        cancel: &Cancel,
    ) -> Result<Self, ToolchainError> {
        let python = VirtualEnvironment::ready(workspace, progress, cancel).await?;
        let terraform = TerraformProgram::ready(choice, &python, progress, cancel).await?;
        let provider = ProviderSource::find(workspace);
        Ok(Self { python, terraform, provider })
    }

    /// The tools, as one line for people.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}; AWS provider from {}", self.terraform.describe(), self.provider.describe())
    }
}
