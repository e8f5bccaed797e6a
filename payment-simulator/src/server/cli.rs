//! The command line: `payment-simulator`, and `cargo ops gateway-simulator`.

use clap::Args;
use terminal::cancel::Cancel;
use terminal::outcome::{Failure, Outcome};

use super::BoundSimulator;
use crate::WebhookSettings;

/// Environment variable that gives the simulator its API key; an argument could be read by every user.
pub const API_KEY_VARIABLE: &str = "OPS_GATEWAY_API_KEY";

/// The key that is accepted when nobody chose one.
const DEFAULT_API_KEY: &str = "sk_test_local";

/// Environment variable with the webhooks' signing secret; an argument could be read by every user.
const WEBHOOK_SECRET_VARIABLE: &str = "OPS_GATEWAY_WEBHOOK_SECRET";

const AFTER_HELP: &str = "\
The API key that it accepts is taken from OPS_GATEWAY_API_KEY, else it is sk_test_local.
Its URL is the first line of standard output.

While it runs:
  curl $URL/_simulator/ledger                                              what was held, taken, given back
  curl $URL/_simulator/requests                                            what was asked, and under which keys
  curl $URL/_simulator/faults -d '{\"error_status\":503}' -H 'Content-Type: application/json'
  curl $URL/_simulator/clock/advance -d '{\"seconds\":691200}' -H 'Content-Type: application/json'
                                                                           eight days later: every hold has run out
  curl -X PUT $URL/_simulator/webhooks -d '{\"url\":\"http://127.0.0.1:9000/\",\"secrets\":[\"whsec_x\"]}' \\
       -H 'Content-Type: application/json'                                 who is told what happens";

/// What to listen on, and who hears of what happens.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct GatewaySimulator {
    /// Port on 127.0.0.1 to listen on; 0 is a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Post signed webhooks to this URL; the signing secret is taken from OPS_GATEWAY_WEBHOOK_SECRET
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// How long a payment's change takes until a search sees it
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    search_staleness: u32,
}

impl GatewaySimulator {
    /// Serves until the switch goes on.
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
                format!("--webhook-url needs the signing secret in {WEBHOOK_SECRET_VARIABLE}, e.g. whsec_local; set it")
            })?;
            simulator.set_webhooks(WebhookSettings::new(url, secret));
        }
        println!("{}", simulator.url());
        let stop = cancel.clone();
        simulator.serve(async move { stop.cancelled().await }).await?;
        Ok(Outcome::Well)
    }
}
