//! A running copy of an environment on this machine: its directory, its lock, and the record by which another process
//! finds it.

mod error;
mod identity;
mod lock;
mod status;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use error::InstanceError;
pub use identity::Identity;
pub use lock::{FileLock, LockError};
pub use status::{InstanceStatus, State, status};

use crate::workspace::Workspace;
use crate::{Connection, PaymentGateway};

/// An instance's name: safe as a directory's name and in messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceName(String);

impl InstanceName {
    /// Takes a name that is fit to be one.
    ///
    /// # Errors
    ///
    /// When it is empty, too long, or holds anything but lower-case letters, digits and hyphens.
    pub fn new(name: &str) -> Result<Self, InstanceError> {
        let fit = (1..=40).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fit { Ok(Self(name.to_owned())) } else { Err(InstanceError::Name { name: name.to_owned() }) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a process must know to use or stop an instance that another one started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Suffix of the environment.
    pub environment: String,
    /// Processes to stop, the emulator first.
    pub processes: Vec<Identity>,
    /// The payment gateway.
    pub payment_gateway: PaymentGateway,
    /// How to reach it; absent while it is being applied.
    pub connection: Option<Connection>,
    /// The emulator's base URL.
    pub endpoint: String,
    /// The package that is deployed.
    pub functions_package: PathBuf,
}

impl Record {
    /// Whether the instance can be used: its emulator, the first of the processes, runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.processes.first().is_some_and(Identity::is_running)
    }
}

/// An instance's place on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    name: InstanceName,
    directory: PathBuf,
}

impl Instance {
    /// The instance of this name in this workspace, whether it runs or not.
    #[must_use]
    pub fn new(workspace: &Workspace, name: InstanceName) -> Self {
        let directory = workspace.instances().join(name.as_str());
        Self { name, directory }
    }

    /// Every instance that has left something on disk.
    #[must_use]
    pub fn all(workspace: &Workspace) -> Vec<Self> {
        let entries = std::fs::read_dir(workspace.instances()).into_iter().flatten().flatten();
        let mut names: Vec<InstanceName> = entries
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| InstanceName::new(entry.file_name().to_str()?).ok())
            .collect();
        names.sort();
        names.into_iter().map(|name| Self::new(workspace, name)).collect()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &InstanceName {
        &self.name
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where its processes and Terraform write their logs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.directory.join("logs")
    }

    /// Keeps every other process away from the instance until the lock is dropped.
    ///
    /// # Errors
    ///
    /// When another process has it.
    pub fn lock(&self) -> Result<FileLock, InstanceError> {
        let path = self.directory.with_extension("lock");
        FileLock::try_take(&path)?.ok_or_else(|| InstanceError::InUse { instance: self.name.0.clone() })
    }

    /// Its record, if it has one.
    ///
    /// # Errors
    ///
    /// When there is one that cannot be read.
    pub fn record(&self) -> Result<Option<Record>, InstanceError> {
        let path = self.record_path();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(InstanceError::File { action: "read", path, source }),
        };
        serde_json::from_str(&text).map(Some).map_err(|source| InstanceError::Record { path, source })
    }

    /// Writes its record; only this user can read it, as it holds the simulator's key.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_record(&self, record: &Record) -> Result<(), InstanceError> {
        let path = self.record_path();
        let failed = |source| InstanceError::File { action: "write", path: path.clone(), source };
        let text = serde_json::to_string_pretty(record).map_err(|error| failed(error.into()))?;
        // A temporary file can be read by its owner only, and the rename keeps it so.
        let file = tempfile::NamedTempFile::new_in(&self.directory).map_err(failed)?;
        std::fs::write(file.path(), text).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Makes its directory, empty.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made.
    pub fn make_directory(&self) -> Result<(), InstanceError> {
        self.remove_directory()?;
        std::fs::create_dir_all(&self.directory).map_err(|source| InstanceError::File {
            action: "make",
            path: self.directory.clone(),
            source,
        })
    }

    /// Removes its directory with everything in it.
    ///
    /// # Errors
    ///
    /// When something in it cannot be removed.
    pub fn remove_directory(&self) -> Result<(), InstanceError> {
        match std::fs::remove_dir_all(&self.directory) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(InstanceError::File { action: "remove", path: self.directory.clone(), source })
            }
            _ => Ok(()),
        }
    }

    fn record_path(&self) -> PathBuf {
        self.directory.join("instance.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_leave_the_directory_is_refused() {
        for name in ["", "..", "a/b", "Upper", "a b", &"x".repeat(41)] {
            assert!(InstanceName::new(name).is_err(), "{name}");
        }
        assert!(InstanceName::new("local-2").is_ok());
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let instance = Instance { name: InstanceName::new("one").unwrap(), directory: directory.path().join("one") };
        assert_eq!(instance.record().unwrap(), None);
        instance.make_directory().unwrap();
        let record = Record {
            environment: "local".into(),
            processes: Identity::of(std::process::id()).into_iter().collect(),
            payment_gateway: PaymentGateway {
                url: "http://127.0.0.1:1".into(),
                api_key: "sk".into(),
                webhook_secret: "whsec".into(),
            },
            connection: None,
            endpoint: "http://127.0.0.1:2".into(),
            functions_package: "bootstrap.zip".into(),
        };
        instance.write_record(&record).unwrap();
        let read = instance.record().unwrap().unwrap();
        assert!(read.is_running());
        assert_eq!(read, record);
        instance.remove_directory().unwrap();
        assert_eq!(instance.record().unwrap(), None);
    }
}
