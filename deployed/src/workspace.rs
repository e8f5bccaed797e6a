//! Where things lie: the workspace's root is found from wherever a command or a test is started.

use std::path::{Path, PathBuf};

/// The workspace on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

/// There is no workspace around the directory.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The current directory cannot be read.
    #[error("cannot tell the current directory; change into the repository and try again")]
    CurrentDirectory(#[source] std::io::Error),
    /// No parent directory holds a workspace manifest.
    #[error("no Cargo.toml with a [workspace] section in {} or above it; run this inside the repository", .start.display())]
    NotFound {
        /// Where the search began.
        start: PathBuf,
    },
}

impl Workspace {
    /// The workspace that holds the current directory.
    ///
    /// # Errors
    ///
    /// When neither the current directory nor one above it holds a workspace manifest.
    pub fn find() -> Result<Self, WorkspaceError> {
        Self::above(&std::env::current_dir().map_err(WorkspaceError::CurrentDirectory)?)
    }

    /// The workspace that holds `start`.
    ///
    /// # Errors
    ///
    /// When neither `start` nor a directory above it holds a workspace manifest.
    pub fn above(start: &Path) -> Result<Self, WorkspaceError> {
        let root = start.ancestors().find(|directory| {
            std::fs::read_to_string(directory.join("Cargo.toml"))
                .is_ok_and(|manifest| manifest.lines().any(|line| line.trim() == "[workspace]"))
        });
        match root {
            Some(root) => Ok(Self { root: root.to_owned() }),
            None => Err(WorkspaceError::NotFound { start: start.to_owned() }),
        }
    }

    /// The directory of the workspace manifest.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The generated Terraform modules.
    #[must_use]
    pub fn modules(&self) -> PathBuf {
        self.root.join("modules")
    }

    /// The generated root modules, one directory for each environment.
    #[must_use]
    pub fn environments(&self) -> PathBuf {
        self.root.join("envs")
    }

    /// Everything that is built, installed or run; never in git.
    #[must_use]
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The virtual environment's home.
    #[must_use]
    pub fn toolchain(&self) -> PathBuf {
        self.target().join("toolchain")
    }

    /// The home of running environments.
    #[must_use]
    pub fn instances(&self) -> PathBuf {
        self.target().join("environments")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_found_from_a_directory_below_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
        let below = directory.path().join("crate/src");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(directory.path().join("crate/Cargo.toml"), "[package]\nname = \"x\"\n").unwrap();
        assert_eq!(Workspace::above(&below).unwrap().root(), directory.path());
    }

    #[test]
    fn a_directory_outside_of_any_workspace_is_named_in_the_error() {
        let directory = tempfile::tempdir().unwrap();
        let error = Workspace::above(directory.path()).unwrap_err();
        assert!(error.to_string().contains(&directory.path().display().to_string()), "{error}");
    }
}
