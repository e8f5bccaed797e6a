//! Takes down an environment that another process brought up.

use super::EnvironmentError;
use super::deployment::{self, Destroyed};
use crate::toolchain::{TerraformChoice, Toolchain};
use deployed::instance::{Instance, InstanceName};
use deployed::workspace::Workspace;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// The result of taking an instance down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// The instance was not up.
    NothingUp,
    /// The instance was not completely up; its processes and files are removed.
    Cleared,
    /// The environment was destroyed.
    Destroyed(Destroyed),
}

/// Destroys the instance's pipeline, lists remaining resources, stops its processes and removes its directory.
///
/// # Errors
///
/// When another process uses it, when Terraform fails or the emulator does not answer, or when cancelled. Its processes
/// are stopped in any case; after a failure the directory keeps the logs.
pub async fn down(
    name: &InstanceName,
    terraform: TerraformChoice,
    progress: Progress,
    cancel: &Cancel,
) -> Result<Down, EnvironmentError> {
    let workspace = Workspace::find()?;
    let instance = Instance::new(&workspace, name.clone());
    if !instance.directory().exists() {
        return Ok(Down::NothingUp);
    }
    let _lock = instance.lock()?;
    let Some(record) = instance.record()? else {
        instance.remove_directory()?;
        return Ok(Down::Cleared);
    };
    // An incomplete instance may have resources that are not in Terraform's state; they end with the emulator.
    if !record.is_running() || record.connection.is_none() {
        super::up::stop_processes(&record).await;
        instance.remove_directory()?;
        return Ok(Down::Cleared);
    }
    let destroyed = async {
        let toolchain = Toolchain::ready(&workspace, terraform, progress, cancel).await?;
        let root_module = instance.directory().join("terraform/envs").join(&record.environment);
        let terraform = deployment::terraform(&instance, &record, root_module, &toolchain, cancel)?;
        deployment::destroy(&terraform, &record, progress).await
    }
    .await;
    super::up::stop_processes(&record).await;
    match destroyed {
        Ok(destroyed) => {
            instance.remove_directory()?;
            Ok(Down::Destroyed(destroyed))
        }
        Err(error) if error.is_cancellation() => {
            instance.remove_directory()?;
            Err(EnvironmentError::Cancelled)
        }
        Err(error) => Err(error),
    }
}
