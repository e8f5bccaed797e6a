//! The developers' command line, `cargo ops`: a thin layer over the crates that do the work.

mod cli;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    deployed::client::use_tls();
    cli::run(cli::Arguments::parse()).await
}
