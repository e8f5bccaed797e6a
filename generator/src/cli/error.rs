//! Why a command can fail, and what to do about it.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use generator::crates::CratesError;
use generator::docs::PageError;
use generator::environment::{BadSuffix, EnvironmentsError};
use generator::readme::ReadmeError;
use generator::terraform::ModuleError;

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} lies in no workspace of the order pipeline", start.display())]
    NoRoot { start: PathBuf },
    #[error("{} is not the root of the order pipeline: it has no folder `envs`", root.display())]
    NotARoot { root: PathBuf },
    #[error("the environments are not in order; nothing was written")]
    Environments(#[from] EnvironmentsError),
    #[error("no environment was made")]
    Suffix(#[from] BadSuffix),
    #[error("no environment was made: `{suffix}` is there already, in {file}")]
    EnvironmentExists { suffix: String, file: String },
    #[error("no environment was made: there is none called `{}` to start from", from.escape_debug())]
    NothingToStartFrom { from: String, known: Vec<String> },
    #[error("the generator's own description is not in order; nothing was written")]
    Module(#[from] ModuleError),
    #[error("a page of documentation is not in order; nothing was written")]
    Page(#[from] PageError),
    #[error("the picture of the crates cannot be made; nothing was written")]
    Crates(#[from] CratesError),
    #[error("a README cannot be made; nothing was written")]
    Readme(#[from] ReadmeError),
    #[error("the template {template} cannot be filled in")]
    Template {
        template: &'static str,
        #[source]
        source: tera::Error,
    },
    #[error("{} cannot be {action}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: an input or output error of a file.
    pub fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    /// What happened, why, and what to do next, as lines for a terminal.
    pub fn report(&self) -> String {
        let mut report = format!("error: {self}\n");
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            let _ = writeln!(report, "  because: {}", text.trim_end().replace('\n', "\n    "));
            cause = error.source();
        }
        let _ = writeln!(report, "next: {}", self.next());
        report
    }

    fn next(&self) -> String {
        match self {
            Self::NoRoot { .. } => "go to a folder of the repository, or name it with `--root DIR`".to_owned(),
            Self::NotARoot { .. } => "name the folder that holds `modules` and `envs` with `--root DIR`; for a new \
                                      one, make an empty folder `envs` in it"
                .to_owned(),
            Self::Environments(EnvironmentsError::Invalid(_)) => {
                "correct these lines, then run the command again".to_owned()
            }
            Self::Suffix(_) => {
                "run the command again with another suffix, e.g. `cargo run -- env add staging`".to_owned()
            }
            Self::EnvironmentExists { file, .. } => {
                format!("edit {file} and run `cargo run`, or choose another suffix")
            }
            Self::NothingToStartFrom { known, .. } if known.is_empty() => {
                "leave `--from` out: there is no environment yet".to_owned()
            }
            Self::NothingToStartFrom { known, .. } => {
                format!("choose one of {}, or leave `--from` out", known.join(", "))
            }
            Self::Crates(CratesError::NotAllowed { .. }) => {
                "remove the dependency; if the crate really may have it, add it to \
                `may-depend-on` under `[package.metadata.architecture]` and say why in the commit"
                    .to_owned()
            }
            Self::Crates(_) => "correct that file, then run the command again".to_owned(),
            Self::Page(_) => "correct what the page is read from, then run it again".to_owned(),
            Self::Module(_) => "correct the module in generator/src, then run it again".to_owned(),
            Self::Readme(_) | Self::Template { .. } => {
                "correct the template in generator/templates, then run it again".to_owned()
            }
            Self::Environments(EnvironmentsError::Unreadable { .. }) | Self::File { .. } => {
                "fix the cause, then run it again: files are replaced whole, so none is left half written".to_owned()
            }
        }
    }
}
