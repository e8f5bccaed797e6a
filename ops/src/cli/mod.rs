//! Commands, their options, and what their exit codes mean.

mod choices;
mod demo;
mod down;
mod package;
mod simulate;
mod status;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::environment::is_cancellation;
use payment_simulator::server::cli::GatewaySimulator;
use terminal::cancel::Cancel;
use terminal::outcome;

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
    #[command(flatten)]
    Operator(orderctl::cli::Command),
    /// Builds the functions and packages them for Lambda
    Package(package::Package),
    /// Runs the payment gateway's simulator until Ctrl-C
    GatewaySimulator(GatewaySimulator),
    /// Simulates the pipeline on its worst day: one seed, one story
    Simulate(simulate::Simulate),
}

/// Runs a command and returns the exit code.
pub async fn run(arguments: Arguments) -> ExitCode {
    let cancel = match Cancel::on_signals() {
        Ok(cancel) => cancel,
        Err(error) => return outcome::report(&error),
    };
    let result = match arguments.command {
        Command::Demo(command) => command.run(&cancel).await,
        Command::Up(command) => command.run(&cancel).await,
        Command::Down(command) => command.run(&cancel).await,
        Command::Status(command) => command.run(),
        Command::Operator(command) => command.run(&cancel).await,
        Command::Package(command) => command.run(&cancel).await,
        Command::GatewaySimulator(command) => command.run(&cancel).await,
        Command::Simulate(command) => command.run(&cancel).await,
    };
    outcome::exit_code(result, &cancel, is_cancellation)
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
