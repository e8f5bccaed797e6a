//! `orderctl`, the operator's command line. The library does the work.

use std::process::ExitCode;

use clap::Parser;
use orderctl::cli::Command;
use terminal::cancel::Cancel;
use terminal::outcome;

const AFTER_HELP: &str = "\
Every command works on a local instance (--instance, inside the repository) or on AWS (--suffix, from any folder).

Exit codes: 0 success; 1 the command ran and found or left a problem, e.g. dead-lettered messages; 2 wrong usage, or the \
command could not run; 130 stopped by Ctrl-C.

Examples:
  orderctl dlq list --suffix prod               what failed, and why
  orderctl dlq redrive payment-dlq --dry-run    what a redrive would move
  orderctl stock show --suffix prod             free, reserved and sold units";

/// Operate a deployed order pipeline: dead-lettered messages, replay, stock
#[derive(Debug, Parser)]
#[command(name = "orderctl", version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[tokio::main]
async fn main() -> ExitCode {
    deployed::client::use_tls();
    let Arguments { command } = Arguments::parse();
    match Cancel::on_signals() {
        Ok(cancel) => outcome::exit_code(command.run(&cancel).await, &cancel, |_| false),
        Err(error) => outcome::report(&error),
    }
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
