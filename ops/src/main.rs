//! The command line of the local environment. See `ops::environment` for what it drives.

mod cli;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    ops::client::use_tls();
    cli::run(cli::Arguments::parse()).await
}
