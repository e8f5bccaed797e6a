//! `cargo ops gateway-simulator`

use clap::Args;
use ops::cancel::Cancel;
use ops::environment::API_KEY_VARIABLE;
use ops::gateway_simulator::BoundSimulator;

use super::{Failure, Outcome};

/// The key that is accepted when nobody chose one.
const DEFAULT_API_KEY: &str = "sk_test_local";

#[derive(Debug, Args)]
#[command(after_help = "The API key that it accepts is taken from OPS_GATEWAY_API_KEY, else it is sk_test_local.")]
pub struct GatewaySimulator {
    /// Port on 127.0.0.1 to listen on; 0 is a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

impl GatewaySimulator {
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let api_key = std::env::var(API_KEY_VARIABLE).unwrap_or_else(|_| DEFAULT_API_KEY.to_owned());
        let simulator = BoundSimulator::bind(self.port, api_key).await?;
        println!("{}", simulator.url());
        let stop = cancel.clone();
        simulator.serve(async move { stop.cancelled().await }).await?;
        Ok(Outcome::Well)
    }
}
