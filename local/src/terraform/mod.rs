//! Terraform as a library: every command runs in a directory of its own, with an environment of its own, and reports
//! what it does through Terraform's own machine-readable stream.

mod driver;
mod error;
mod event;

pub use driver::{Settings, Terraform};
pub use error::TerraformError;
pub use event::{Action, Diagnostic, Event, PlannedChange};

/// What a plan would change. Empty when what is there is what is described.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Changes to resources, in the order in which Terraform tells them.
    pub changes: Vec<PlannedChange>,
    /// Whether Terraform says that anything differs, changes of outputs included.
    pub differs: bool,
}

/// What an apply or a destroy did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Resources that were created.
    pub added: u64,
    /// Resources that were changed in place.
    pub changed: u64,
    /// Resources that were destroyed.
    pub removed: u64,
}
