//! Compares the generated files as they should be with the files on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::error::Error;

/// The folders that hold generated files.
const FOLDERS: [&str; 3] = ["modules", "envs", generator::docs::FOLDER];

/// How the names of generated files end.
const ENDINGS: [&str; 4] = [".tf.json", ".md", ".schema.json", "openapi.json"];

/// How much of a file is searched for the marker: it stands at the top.
const TOP: usize = 512;

/// The end of the name of a file that is being written.
pub const UNFINISHED: &str = ".generator-unfinished";

/// Every generated file as it should be: its path relative to the root, and its content.
pub type Files = BTreeMap<PathBuf, String>;

/// How the disk differs from what it should be. All paths are relative to the root, and in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// There, with other content: the content on disk.
    pub stale: Vec<(PathBuf, Vec<u8>)>,
    /// Not there.
    pub missing: Vec<PathBuf>,
    /// There, generated once, and no longer.
    pub surplus: Vec<PathBuf>,
    /// Left by a run that was killed while it wrote.
    pub unfinished: Vec<PathBuf>,
    /// How many are as they should be.
    pub current: usize,
}

/// Compares the files with the disk.
pub fn compare(root: &Path, files: &Files, marker: &str) -> Result<Difference, Error> {
    let mut difference = Difference::default();
    for (path, content) in files {
        match fs::read(root.join(path)) {
            Ok(found) if found == content.as_bytes() => difference.current += 1,
            Ok(found) => difference.stale.push((path.clone(), found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => difference.missing.push(path.clone()),
            Err(error) => return Err(Error::file("read", root.join(path))(error)),
        }
    }
    for folder in FOLDERS {
        search(root, Path::new(folder), files, marker, &mut difference)?;
    }
    difference.surplus.sort();
    difference.unfinished.sort();
    Ok(difference)
}

/// Looks for files that were generated and no longer are. Hidden folders (`.terraform`) and links are not ours.
fn search(root: &Path, folder: &Path, files: &Files, marker: &str, difference: &mut Difference) -> Result<(), Error> {
    let entries = match fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::file("read", root.join(folder))(error)),
    };
    for entry in entries {
        let entry = entry.map_err(Error::file("read", root.join(folder)))?;
        let kind = entry.file_type().map_err(Error::file("read", entry.path()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(entry.file_name());
        if kind.is_dir() && !name.starts_with('.') {
            search(root, &path, files, marker, difference)?;
        } else if kind.is_file() && name.ends_with(UNFINISHED) {
            difference.unfinished.push(path);
        } else if kind.is_file()
            && ENDINGS.iter().any(|ending| name.ends_with(ending))
            && !files.contains_key(&path)
            && carries(&entry.path(), marker)?
        {
            difference.surplus.push(path);
        }
    }
    Ok(())
}

fn carries(path: &Path, marker: &str) -> Result<bool, Error> {
    let content = fs::read(path).map_err(Error::file("read", path))?;
    let top = &content[..content.len().min(TOP)];
    Ok(top.windows(marker.len()).any(|window| window == marker.as_bytes()))
}
