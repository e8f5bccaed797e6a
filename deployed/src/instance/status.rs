//! What is up on this machine, as far as this workspace knows.

use super::{Instance, InstanceError, InstanceName};
use crate::Connection;
use crate::workspace::Workspace;

/// An instance and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceStatus {
    /// The instance.
    pub name: InstanceName,
    /// How it is.
    pub state: State,
}

/// How an instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It can be used.
    Up {
        /// Suffix of the environment.
        environment: String,
        /// How to reach it.
        connection: Box<Connection>,
    },
    /// A process is bringing it up, using it or taking it down.
    InUse,
    /// Its processes have ended, or it was never brought up to the end.
    Remains,
}

/// Every instance that has left something on disk.
///
/// # Errors
///
/// When there is no workspace, or an instance's record cannot be read.
pub fn status() -> Result<Vec<InstanceStatus>, InstanceError> {
    let workspace = Workspace::find()?;
    Instance::all(&workspace).into_iter().map(|instance| of(&instance)).collect()
}

fn of(instance: &Instance) -> Result<InstanceStatus, InstanceError> {
    let lock = match instance.lock() {
        Ok(lock) => Some(lock),
        Err(InstanceError::InUse { .. }) => None,
        Err(error) => return Err(error),
    };
    let state = match (lock, instance.record()?) {
        (None, _) => State::InUse,
        (Some(_), Some(record)) if record.is_running() => match record.connection {
            Some(connection) => State::Up { environment: record.environment, connection: Box::new(connection) },
            None => State::Remains,
        },
        (Some(_), _) => State::Remains,
    };
    Ok(InstanceStatus { name: instance.name().clone(), state })
}
