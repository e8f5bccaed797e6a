//! `cargo run -- env …`: makes environments and lists them.

use std::path::{Path, PathBuf};
use std::time::Instant;

use generator::environment::{self, Environment, Source, Suffix};
use serde::Serialize;
use serde_json::json;

use super::error::Error;
use super::write::{self, Written};
use super::{generate, lock, settings_file};

/// What `env add` has done.
#[derive(Debug, Serialize)]
pub struct Added {
    /// The new hand-written file.
    pub settings: PathBuf,
    /// The environment that it was made from.
    pub from: Option<String>,
    /// What was generated.
    #[serde(flatten)]
    pub written: Written,
}

impl Added {
    /// The report for a person or a script.
    pub fn print(&self, json: bool) -> String {
        if json {
            return format!("{}\n", json!(self));
        }
        let settings = self.settings.display();
        let from = self.from.as_ref().map(|from| format!(" with the settings of {from}")).unwrap_or_default();
        format!(
            "{settings} made{from}\n{}next: read {settings}, change what you like and run `cargo run`; then apply it as \
             the README beside it says\n",
            self.written.print(false)
        )
    }
}

/// Makes an environment. Everything is checked and rendered before the first file is written.
pub fn add(root: &Path, suffix: &str, from: Option<&str>) -> Result<Added, Error> {
    let started = Instant::now();
    let suffix: Suffix = suffix.parse()?;
    let _lock = lock::acquire(root)?;
    let mut sources = environment::sources(root)?;
    if sources.iter().any(|source| source.folder == suffix.as_str()) {
        let file = environment::settings_file(suffix.as_str());
        return Err(Error::EnvironmentExists { suffix: suffix.to_string(), file });
    }
    let existing = environment::check(&sources)?;
    let original = from.map(|from| find(&existing, from)).transpose()?;
    let new = Source { folder: suffix.to_string(), text: settings_file::text(&suffix, original)? };
    let file = PathBuf::from(new.file());
    let text = new.text.clone();
    sources.push(new);
    sources.sort_by(|a, b| a.folder.cmp(&b.folder));
    let generated = generate::everything(root, &environment::check(&sources)?)?;

    write::replace(&root.join(&file), &text)?;
    let written = write::apply(root, &generated, started)?;
    Ok(Added { settings: file, from: from.map(str::to_owned), written })
}

fn find<'e>(environments: &'e [Environment], suffix: &str) -> Result<&'e Environment, Error> {
    environments.iter().find(|environment| environment.suffix.as_str() == suffix).ok_or_else(|| {
        let known = environments.iter().map(|environment| environment.suffix.to_string()).collect();
        Error::NothingToStartFrom { from: suffix.to_owned(), known }
    })
}

/// The environments, as a table or as JSON.
pub fn list(root: &Path, as_json: bool) -> Result<String, Error> {
    let environments = environment::load_all(root)?;
    let rows: Vec<_> = environments.iter().map(Row::of).collect();
    if as_json {
        return Ok(format!("{}\n", json!({ "environments": rows })));
    }
    let mut table =
        format!("{:<13}{:<10}{:<11}{:<14}{:<11}{}\n", "SUFFIX", "ON", "REGION", "ARCHITECTURE", "LOGS KEPT", "STATE");
    for row in rows {
        let days = format!("{} days", row.log_retention_days);
        table += &format!(
            "{:<13}{:<10}{:<11}{:<14}{:<11}{}\n",
            row.suffix, row.target, row.region, row.architecture, days, row.state
        );
    }
    Ok(table)
}

/// One environment in the list.
#[derive(Debug, Serialize)]
struct Row {
    suffix: String,
    target: &'static str,
    region: &'static str,
    architecture: &'static str,
    log_retention_days: u16,
    state: String,
    settings: String,
}

impl Row {
    fn of(environment: &Environment) -> Self {
        Self {
            suffix: environment.suffix.to_string(),
            target: if environment.emulator { "emulator" } else { "aws" },
            region: environment.region.as_str(),
            architecture: environment.architecture.as_str(),
            log_retention_days: environment.log_retention_days.days(),
            state: match &environment.backend {
                environment::Backend::Local => "local".to_owned(),
                environment::Backend::S3 { bucket, key } => format!("s3://{bucket}/{key}"),
            },
            settings: environment::settings_file(environment.suffix.as_str()),
        }
    }
}
