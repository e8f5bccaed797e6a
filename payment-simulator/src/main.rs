//! The payment gateway's simulator as a program of its own; `README.md` beside this folder says what it can do.

use std::process::ExitCode;

use clap::Parser;
use payment_simulator::server::cli::GatewaySimulator;
use terminal::cancel::Cancel;
use terminal::outcome;

/// A payment gateway for tests: the subset of Stripe's API that an order pipeline uses, with its idempotency keys.
#[derive(Debug, Parser)]
#[command(name = "payment-simulator", version)]
struct Arguments {
    #[command(flatten)]
    simulator: GatewaySimulator,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { simulator } = Arguments::parse();
    match Cancel::on_signals() {
        Ok(cancel) => outcome::exit_code(simulator.run(&cancel).await, &cancel, |_| false),
        Err(error) => outcome::report(&error),
    }
}
