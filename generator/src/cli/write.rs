//! `cargo run`: writes the generated files, and touches no other.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use super::error::Error;
use super::generate::{self, Generated};
use super::{lock, tree};
use generator::environment;

/// What a run has done.
#[derive(Debug, Serialize)]
pub struct Written {
    /// Files that were created or changed, relative to the root.
    pub written: Vec<PathBuf>,
    /// Files that were removed because nothing generates them any more.
    pub removed: Vec<PathBuf>,
    /// Files that were right already.
    pub unchanged: usize,
    /// How many modules there are.
    pub modules: usize,
    /// How many environments there are.
    pub environments: usize,
    /// How long it took.
    pub milliseconds: u128,
}

impl Written {
    /// The report for a person or a script.
    pub fn print(&self, json: bool) -> String {
        if json {
            return format!("{}\n", serde_json::json!(self));
        }
        let listed = |sign: char, paths: &[PathBuf]| -> String {
            paths.iter().map(|path| format!("  {sign} {}\n", path.display())).collect()
        };
        format!(
            "{}{}{} written, {} removed, {} unchanged: {} modules, {} environments, in {} ms\n",
            listed('+', &self.written),
            listed('-', &self.removed),
            self.written.len(),
            self.removed.len(),
            self.unchanged,
            self.modules,
            self.environments,
            self.milliseconds
        )
    }
}

/// Reads every environment and writes every file.
pub fn everything(root: &Path) -> Result<Written, Error> {
    let started = Instant::now();
    let _lock = lock::acquire(root)?;
    let environments = environment::load_all(root)?;
    apply(root, &generate::everything(root, &environments)?, started)
}

/// Writes `generated` to disk and removes what is left over. The caller holds the lock.
pub fn apply(root: &Path, generated: &Generated, started: Instant) -> Result<Written, Error> {
    let difference = tree::compare(root, &generated.files, generate::MARKER)?;
    for path in &difference.unfinished {
        remove(root, path)?;
    }
    let changed = difference.stale.into_iter().map(|(path, _)| path);
    let mut written: Vec<PathBuf> = changed.chain(difference.missing).collect();
    written.sort();
    for path in &written {
        if let Some(content) = generated.files.get(path) {
            replace(&root.join(path), content)?;
        }
    }
    for path in &difference.surplus {
        remove(root, path)?;
    }
    Ok(Written {
        written,
        removed: difference.surplus,
        unchanged: difference.current,
        modules: generated.modules,
        environments: generated.environments,
        milliseconds: started.elapsed().as_millis(),
    })
}

/// Puts a whole file in place in one step: whoever reads the path, or kills us, finds the old content or the new.
pub fn replace(path: &Path, content: &str) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::file("created", folder))?;
    }
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(tree::UNFINISHED);
    let unfinished = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(content.as_bytes())?;
        drop(file);
        fs::rename(&unfinished, path)
    };
    write().map_err(|error| {
        // The first error is the one to report; the next run removes what this one could not.
        let _ = fs::remove_file(&unfinished);
        Error::file("written", path)(error)
    })
}

/// Removes a file, and its folder when that leaves it empty.
fn remove(root: &Path, path: &Path) -> Result<(), Error> {
    let file = root.join(path);
    fs::remove_file(&file).map_err(Error::file("removed", &file))?;
    if let Some(folder) = file.parent() {
        // It fails on a folder with something in it, which is then to stay.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}
