//! `cargo ops up`

use clap::Args;
use deployed::Connection;
use local::environment::{Environment, Lifetime, UpOptions};
use serde::Serialize;
use terminal::cancel::Cancel;

use super::choices::Choices;
use terminal::outcome::{Failure, Outcome};

#[derive(Debug, Args)]
pub struct Up {
    /// Print the connection as one JSON object, the last line of standard output
    #[arg(long)]
    json: bool,
    /// Name of the instance; several can run at once
    #[arg(long, default_value = "local", value_name = "NAME")]
    instance: String,
    #[command(flatten)]
    choices: Choices,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Answer<'a> {
    instance: &'a str,
    #[serde(flatten)]
    connection: &'a Connection,
    payment_gateway_url: &'a str,
}

impl Up {
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let lifetime = Lifetime::Detached { executable: std::env::current_exe()? };
        let options = UpOptions { lifetime, ..self.choices.up_options(&self.instance, cancel) };
        let environment = Environment::up(options).await?;
        let gateway = environment.payment_gateway().url.clone();
        let logs = environment.directory().display().to_string();
        let connection = environment.keep();
        if self.json {
            let answer = Answer { instance: &self.instance, connection: &connection, payment_gateway_url: &gateway };
            println!("{}", serde_json::to_string(&answer)?);
        } else {
            print_for_people(&self.instance, &connection, &gateway, &logs);
        }
        Ok(Outcome::Well)
    }
}

fn print_for_people(instance: &str, connection: &Connection, gateway: &str, logs: &str) {
    println!("Instance `{instance}` is up.");
    println!("  order API        {} (append /orders; sign for execute-api)", connection.api_url);
    println!("  AWS endpoint     {} ({})", connection.endpoint, connection.region);
    println!("  access key       {} / {}", connection.access_key_id, connection.secret_access_key);
    println!("  tables           {}, {}", connection.orders_table, connection.inventory_table);
    println!("  payment gateway  {gateway}");
    println!("  logs             {logs}");
    println!("Take it down with: cargo ops down --instance {instance}");
}
