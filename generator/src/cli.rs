//! The command line: what can be asked for, and what comes back.
//!
//! Commands return their output instead of printing it, so that a test sees what a person would.

mod check;
mod env;
mod error;
mod generate;
mod lock;
mod outcome;
mod root;
mod settings_file;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use error::Error;
pub use outcome::{Outcome, USER_ERROR};

/// Writes the pipeline's Terraform: modules/ and, from each envs/<suffix>/env.toml, envs/<suffix>/
///
/// Without a command it writes every generated file that is not what it should be, and removes those that are no
/// longer generated. Files written by hand are never touched. When any env.toml has a problem, nothing is written.
#[derive(Debug, Parser)]
#[command(
    name = "generator",
    bin_name = "cargo run --",
    version,
    after_help = "Examples:
  cargo run                                regenerate after a change of the pipeline or of an env.toml
  cargo run -- check                       show what `cargo run` would change (for CI: exit code 1 when anything)
  cargo run -- env add staging --from dev  make an environment like dev, called staging
  cargo run -- env list --json             the environments, for a script

Exit codes: 0 all well, 1 stale files (check), 2 something must be corrected first."
)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command accepts.
#[derive(Debug, Args)]
struct Options {
    /// The repository's root; by default the workspace that the current folder lies in.
    #[arg(long, value_name = "DIR", global = true)]
    root: Option<PathBuf>,
    /// Prints one JSON object for a script instead of text for a person.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows, as a diff, what a run would change; writes nothing
    ///
    /// Exit code 0 when every generated file is as it should be, 1 when one is stale, missing or left over.
    Check,
    /// Makes and lists environments
    #[command(subcommand)]
    Env(EnvCommand),
}

#[derive(Debug, Subcommand)]
enum EnvCommand {
    /// Makes envs/<SUFFIX>/env.toml, with a comment on every setting, and generates its Terraform
    Add {
        /// The new environment's suffix: 1 to 12 lower-case letters, digits and hyphens, a letter first.
        suffix: String,
        /// The environment whose settings are taken over; by default those of a small environment on AWS.
        #[arg(long, value_name = "SUFFIX")]
        from: Option<String>,
    },
    /// Lists the environments with what tells them apart
    List,
}

/// Does what the arguments ask for.
pub fn run(arguments: &Arguments) -> Outcome {
    execute(arguments).unwrap_or_else(|error| Outcome::failed(&error))
}

fn execute(arguments: &Arguments) -> Result<Outcome, Error> {
    let root = root::find(arguments.options.root.as_deref())?;
    let json = arguments.options.json;
    match &arguments.command {
        None => write::everything(&root).map(|written| Outcome::done(written.print(json))),
        Some(Command::Check) => check::everything(&root).map(|findings| findings.outcome(json)),
        Some(Command::Env(EnvCommand::Add { suffix, from })) => {
            env::add(&root, suffix, from.as_deref()).map(|added| Outcome::done(added.print(json)))
        }
        Some(Command::Env(EnvCommand::List)) => env::list(&root, json).map(Outcome::done),
    }
}
