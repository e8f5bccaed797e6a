//! `cargo ops`, the developers' command line over the other crates.

mod cli;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    deployed::client::use_tls();
    cli::run(cli::Arguments::parse()).await
}
