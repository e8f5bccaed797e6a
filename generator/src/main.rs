//! `cargo run`: writes the pipeline's Terraform, or reports what is stale.

mod cli;
#[cfg(test)]
mod sample_settings;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let outcome = cli::run(&cli::Arguments::parse());
    // A reader that goes away, such as `head`, has seen what it wanted: no reason to fail.
    let printed = io::stdout().write_all(outcome.output.as_bytes()).and_then(|()| io::stdout().flush());
    if let Err(error) = printed
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        eprintln!("error: the output cannot be written\n  because: {error}");
        return ExitCode::from(cli::USER_ERROR);
    }
    // When standard error is closed, the error cannot be reported.
    let _ = io::stderr().write_all(outcome.messages.as_bytes());
    ExitCode::from(outcome.exit_code)
}
