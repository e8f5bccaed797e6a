//! `cargo run -- check`: what a run would change, as a diff that `git apply` would understand.

use std::path::{Path, PathBuf};

use generator::environment;
use serde::Serialize;
use similar::TextDiff;

use super::error::Error;
use super::generate;
use super::outcome::{OK, Outcome, STALE};
use super::tree::{self, Difference, Files};

/// The command that fixes everything that `check` finds.
const FIX: &str = "cargo run";

/// What `check` found.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// Files with other content than they should have.
    pub stale: Vec<PathBuf>,
    /// Files that should be there.
    pub missing: Vec<PathBuf>,
    /// Files that nothing generates any more.
    pub surplus: Vec<PathBuf>,
    /// How many files are as they should be.
    pub current: usize,
    /// The command that fixes it.
    pub fix: &'static str,
    #[serde(skip)]
    diff: String,
}

/// Compares everything and writes nothing.
pub fn everything(root: &Path) -> Result<Findings, Error> {
    let environments = environment::load_all(root)?;
    let generated = generate::everything(root, &environments)?;
    let difference = tree::compare(root, &generated.files, generate::MARKER)?;
    let diff = diff(root, &generated.files, &difference)?;
    Ok(Findings {
        stale: difference.stale.into_iter().map(|(path, _)| path).collect(),
        missing: difference.missing,
        surplus: difference.surplus,
        current: difference.current,
        fix: FIX,
        diff,
    })
}

impl Findings {
    /// The diff on standard output, the verdict on standard error.
    pub fn outcome(&self, json: bool) -> Outcome {
        let wrong = self.stale.len() + self.missing.len() + self.surplus.len();
        let exit_code = if wrong == 0 { OK } else { STALE };
        if json {
            return Outcome { output: format!("{}\n", serde_json::json!(self)), messages: String::new(), exit_code };
        }
        if wrong == 0 {
            return Outcome::done(format!("all {} generated files are as they should be\n", self.current));
        }
        let messages = format!(
            "{} stale, {} missing, {} left over, {} as they should be\nnext: {FIX}\n",
            self.stale.len(),
            self.missing.len(),
            self.surplus.len(),
            self.current
        );
        Outcome { output: self.diff.clone(), messages, exit_code }
    }
}

fn diff(root: &Path, files: &Files, difference: &Difference) -> Result<String, Error> {
    let wanted = |path: &Path| files.get(path).map(String::as_str).unwrap_or_default();
    let mut diff = String::new();
    for (path, found) in &difference.stale {
        let name = slashed(path);
        diff += &unified(&String::from_utf8_lossy(found), wanted(path), &format!("a/{name}"), &format!("b/{name}"));
    }
    for path in &difference.missing {
        diff += &unified("", wanted(path), "/dev/null", &format!("b/{}", slashed(path)));
    }
    for path in &difference.surplus {
        let found = std::fs::read(root.join(path)).map_err(Error::file("read", root.join(path)))?;
        diff += &unified(&String::from_utf8_lossy(&found), "", &format!("a/{}", slashed(path)), "/dev/null");
    }
    Ok(diff)
}

fn unified(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    TextDiff::from_lines(old, new).unified_diff().header(old_name, new_name).to_string()
}

fn slashed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
