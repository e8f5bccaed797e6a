//! The operator's commands, for `orderctl` and for `cargo ops`.

mod dlq;
mod place;
mod replay;
mod stock;

use clap::Subcommand;
use terminal::cancel::Cancel;
use terminal::outcome::{Failure, Outcome};

/// An operator's command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List, inspect, redrive or discard dead-lettered messages
    #[command(subcommand)]
    Dlq(dlq::Dlq),
    /// Publish events again that the table's stream no longer delivers
    Replay(replay::Replay),
    /// Show, set, add and import stock
    #[command(subcommand)]
    Stock(stock::Stock),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// When the command could not run.
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        match self {
            Self::Dlq(command) => command.run(cancel).await,
            Self::Replay(command) => command.run(cancel).await,
            Self::Stock(command) => command.run(cancel).await,
        }
    }
}
