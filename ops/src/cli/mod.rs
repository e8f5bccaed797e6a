//! Commands, their options, and what their exit codes mean.

mod choices;
mod demo;
mod dlq;
mod down;
mod gateway_simulator;
mod package;
mod place;
mod replay;
mod simulate;
mod status;
mod stock;
mod up;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ops::cancel::Cancel;
use ops::environment::is_cancellation;

const AFTER_HELP: &str = "\
Exit codes: 0 all is well; 1 the outcome is not what it must be, e.g. resources were left behind; 2 wrong usage, or the
environment failed; 130 stopped by Ctrl-C, with everything that was started, or cleanly between two pieces of work.

Examples:
  cargo demo                      the whole pipeline at work, from nothing to nothing (`cargo ops demo`)
  cargo ops up --json             bring the local environment up, and print how to reach it
  cargo ops up --instance two     a second one beside it
  cargo ops down --instance two   destroy it, and prove that nothing is left
  cargo ops dlq list              what failed and why, in every dead-letter queue
  cargo ops stock show            what is on the shelves";

/// The order pipeline on this machine: real Terraform and the real functions on an AWS emulator.
#[derive(Debug, Parser)]
#[command(name = "cargo ops", bin_name = "cargo ops", version, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the whole pipeline at work: up, orders of every kind, their outcomes, down without a trace
    Demo(demo::Demo),
    /// Brings an environment up and leaves it running
    Up(up::Up),
    /// Destroys an environment that is up, lists what is left, and stops it
    Down(down::Down),
    /// Shows which environments are up
    Status(status::Status),
    /// Shows what failed for good and why, and puts it back to work
    #[command(subcommand)]
    Dlq(dlq::Dlq),
    /// Tells topics and customers of events again that the stream can no longer deliver
    Replay(replay::Replay),
    /// The warehouse: shows, counts, adds and imports units of stock
    #[command(subcommand)]
    Stock(stock::Stock),
    /// Builds the functions and packages them for Lambda
    Package(package::Package),
    /// Runs the payment gateway's simulator until Ctrl-C
    GatewaySimulator(gateway_simulator::GatewaySimulator),
    /// Simulates the pipeline on its worst day: one seed, one story
    Simulate(simulate::Simulate),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// As it should.
    Well,
    /// It did its work, and the outcome is not what it must be.
    Failed,
    /// It was stopped by Ctrl-C between two pieces of work, and has said how far it came.
    Interrupted,
}

/// Why a command could not do its work.
type Failure = Box<dyn Error + Send + Sync>;

/// Runs a command and returns the exit code.
pub async fn run(arguments: Arguments) -> ExitCode {
    let cancel = match Cancel::on_signals() {
        Ok(cancel) => cancel,
        Err(error) => return report(&error),
    };
    let result = match arguments.command {
        Command::Demo(command) => command.run(&cancel).await,
        Command::Up(command) => command.run(&cancel).await,
        Command::Down(command) => command.run(&cancel).await,
        Command::Status(command) => command.run(),
        Command::Dlq(command) => command.run(&cancel).await,
        Command::Replay(command) => command.run(&cancel).await,
        Command::Stock(command) => command.run(&cancel).await,
        Command::Package(command) => command.run(&cancel).await,
        Command::GatewaySimulator(command) => command.run(&cancel).await,
        Command::Simulate(command) => command.run(&cancel).await,
    };
    match result {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) if cancel.is_cancelled() => {
            if !is_cancellation(error.as_ref()) {
                report(error.as_ref());
            }
            eprintln!("stopped, with everything that was started");
            ExitCode::from(130)
        }
        Err(error) => report(error.as_ref()),
    }
}

/// Tells a person what went wrong, the cause of the cause included.
fn report(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
