//! The payment simulator as a program. `README.md` of this crate describes it.

use std::process::ExitCode;

use clap::Parser;
use payment_simulator::server::cli::GatewaySimulator;
use terminal::cancel::Cancel;
use terminal::outcome;

/// Simulate Stripe's payment API for tests, including idempotency keys, faults and webhooks
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
