//! The command line: `payment-simulator`, and `cargo ops gateway-simulator`.

use clap::Args;
use terminal::cancel::Cancel;
use terminal::outcome::{Failure, Outcome};

use super::BoundSimulator;
use crate::WebhookSettings;

/// Environment variable with the API key; other users could read an argument.
pub const API_KEY_VARIABLE: &str = "OPS_GATEWAY_API_KEY";

/// The default API key.
const DEFAULT_API_KEY: &str = "sk_test_local";

/// Environment variable with the webhooks' signing secret; other users could read an argument.
const WEBHOOK_SECRET_VARIABLE: &str = "OPS_GATEWAY_WEBHOOK_SECRET";

const AFTER_HELP: &str = "\
The accepted API key is OPS_GATEWAY_API_KEY [default: sk_test_local]. The first line of standard output is the URL.

While it runs:
  curl $URL/_simulator/ledger      amounts authorised, captured, refunded, voided
  curl $URL/_simulator/requests    received requests and their idempotency keys

  curl $URL/_simulator/faults -H 'Content-Type: application/json' \\
       -d '{\"error_status\":503}'

  curl $URL/_simulator/clock/advance -H 'Content-Type: application/json' \\
       -d '{\"seconds\":691200}'   eight days later: authorisations expired

  curl -X PUT $URL/_simulator/webhooks -H 'Content-Type: application/json' \\
       -d '{\"url\":\"http://127.0.0.1:9000/\",\"secrets\":[\"whsec_x\"]}'";

/// Options of the simulator's server.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct GatewaySimulator {
    /// Port on 127.0.0.1; 0 chooses a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Send signed webhooks to this URL; the signing secret is OPS_GATEWAY_WEBHOOK_SECRET
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Delay until a search finds a changed payment
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    search_staleness: u32,
}

impl GatewaySimulator {
    /// Serves until cancelled.
    ///
    /// # Errors
    ///
    /// When the port is taken, or a setting is missing.
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let api_key = std::env::var(API_KEY_VARIABLE).unwrap_or_else(|_| DEFAULT_API_KEY.to_owned());
        let simulator = BoundSimulator::bind(self.port, api_key).await?;
        simulator.set_search_staleness(self.search_staleness);
        if let Some(url) = self.webhook_url {
            let secret = std::env::var(WEBHOOK_SECRET_VARIABLE).ok().filter(|secret| !secret.is_empty());
            let secret = secret.ok_or_else(|| {
                format!("--webhook-url needs a signing secret; set {WEBHOOK_SECRET_VARIABLE}, e.g. to whsec_local")
            })?;
            simulator.set_webhooks(WebhookSettings::new(url, secret));
        }
        println!("{}", simulator.url());
        let stop = cancel.clone();
        simulator.serve(async move { stop.cancelled().await }).await?;
        Ok(Outcome::Well)
    }
}
