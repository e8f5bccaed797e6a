//! The commands and their exit codes.

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
Exit codes: 0 success; 1 the command ran and found or left a problem, e.g. remaining resources; 2 wrong usage, or the \
command could not run; 130 stopped by Ctrl-C, together with everything that it started.

Examples:
  cargo demo                      the whole pipeline from up to down (`cargo ops demo`)
  cargo ops up --json             start the local environment, print its endpoints
  cargo ops up --instance two     start a second one
  cargo ops down --instance two   destroy it, and check that nothing remains
  cargo ops dlq list              what failed, and why
  cargo ops stock show            free, reserved and sold units";

/// Run the order pipeline on this machine: real Terraform and the real functions on an AWS emulator
#[derive(Debug, Parser)]
#[command(name = "cargo ops", bin_name = "cargo ops", version, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the pipeline up, place orders of every kind, check their outcomes, take it down
    Demo(demo::Demo),
    /// Bring an environment up and leave it running
    Up(up::Up),
    /// Destroy an environment, list remaining resources, and stop it
    Down(down::Down),
    /// Show which environments are up
    Status(status::Status),
    #[command(flatten)]
    Operator(orderctl::cli::Command),
    /// Build the functions and package them for Lambda
    Package(package::Package),
    /// Run the payment simulator until Ctrl-C
    GatewaySimulator(GatewaySimulator),
    /// Simulate the pipeline under faults, reproducibly from a seed
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
