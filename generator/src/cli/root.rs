//! Where the repository is: the generator reads and writes relative to its root.

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::error::Error;

/// The root that was asked for, or else the workspace around the current folder, or else the one that cargo runs.
pub fn find(asked: Option<&Path>) -> Result<PathBuf, Error> {
    let root = match asked {
        Some(root) => root.to_owned(),
        None => around_current_folder()?,
    };
    if root.join("envs").is_dir() { Ok(root) } else { Err(Error::NotARoot { root }) }
}

fn around_current_folder() -> Result<PathBuf, Error> {
    let start = env::current_dir().map_err(Error::file("found", "."))?;
    // `cargo run --manifest-path …` from elsewhere: cargo tells where the manifest is.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    around(&start).or_else(|| around(&manifest?)).ok_or(Error::NoRoot { start })
}

/// The innermost workspace around a folder that is this one and not just any.
fn around(folder: &Path) -> Option<PathBuf> {
    let ours = |folder: &&Path| {
        folder.join("generator/Cargo.toml").is_file()
            && fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|manifest| manifest.contains("[workspace]"))
    };
    folder.ancestors().find(ours).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_from_any_folder_inside() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["generator/src", "envs/dev"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        fs::write(root.path().join("generator/Cargo.toml"), "[package]\n").unwrap();
        assert_eq!(around(&root.path().join("envs/dev")).unwrap(), root.path());
        assert_eq!(around(&root.path().join("generator/src")).unwrap(), root.path());
    }

    #[test]
    fn another_workspace_is_not_taken_for_ours() {
        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        assert_eq!(around(other.path()), None);
    }

    #[test]
    fn a_folder_without_envs_is_refused_as_a_root() {
        let empty = tempfile::tempdir().unwrap();
        let error = find(Some(empty.path())).unwrap_err().report();
        assert!(error.contains("it has no folder `envs`") && error.contains("next: name the folder"), "{error}");
    }
}
