//! Terraform as a library: each command runs in its own directory with its own environment variables, and reports through
//! Terraform's JSON stream.

mod applied;
mod driver;
mod error;
mod event;

pub use applied::Applied;
pub use driver::{Settings, Terraform};
pub use error::TerraformError;
pub use event::{Action, Diagnostic, Event, PlannedChange};

/// What an apply would change; empty when the resources match the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Changes to resources, in Terraform's order.
    pub changes: Vec<PlannedChange>,
    /// Whether Terraform reports any difference, including outputs.
    pub differs: bool,
}
