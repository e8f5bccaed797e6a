//! The operator's commands, as `orderctl` and as a part of `cargo ops`.

mod dlq;
mod place;
mod replay;
mod stock;

use clap::Subcommand;
use terminal::cancel::Cancel;
use terminal::outcome::{Failure, Outcome};

/// What an operator does with a deployed pipeline.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists, shows, redrives or discards dead-lettered messages
    #[command(subcommand)]
    Dlq(dlq::Dlq),
    /// Publishes events again that the stream can no longer deliver
    Replay(replay::Replay),
    /// Shows, sets, adds and imports units of stock
    #[command(subcommand)]
    Stock(stock::Stock),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// When it could not do its work.
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        match self {
            Self::Dlq(command) => command.run(cancel).await,
            Self::Replay(command) => command.run(cancel).await,
            Self::Stock(command) => command.run(cancel).await,
        }
    }
}
