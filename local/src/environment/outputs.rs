//! Reads what a client needs from Terraform's outputs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::EnvironmentError;
use crate::emulator::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use deployed::Connection;
use order_contract::REGION;

/// The outputs of an environment's root module.
#[derive(Debug)]
pub struct Outputs<'a> {
    environment: &'a str,
    values: BTreeMap<String, Value>,
}

impl<'a> Outputs<'a> {
    /// The outputs of this environment.
    #[must_use]
    pub fn new(environment: &'a str, values: BTreeMap<String, Value>) -> Self {
        Self { environment, values }
    }

    /// ARN of the secret with the payment gateway's key.
    ///
    /// # Errors
    ///
    /// When the output is missing.
    pub fn payment_secret_arn(&self) -> Result<String, EnvironmentError> {
        self.text("payment_secret_arn")
    }

    /// ARN of the secret with the webhooks' signing secret.
    ///
    /// # Errors
    ///
    /// When the output is missing.
    pub fn webhook_secret_arn(&self) -> Result<String, EnvironmentError> {
        self.text("webhook_secret_arn")
    }

    /// The connection to the environment on the emulator at `endpoint`.
    ///
    /// # Errors
    ///
    /// When an output is missing.
    pub fn connection(&self, endpoint: &str) -> Result<Connection, EnvironmentError> {
        let (api, stage) = (self.text("api_id")?, self.text("api_stage")?);
        Ok(Connection {
            endpoint: endpoint.to_owned(),
            region: REGION.to_owned(),
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SECRET_ACCESS_KEY.to_owned(),
            // The output `api_url` is AWS's; the emulator serves the stage here.
            api_url: format!("{endpoint}/restapis/{api}/{stage}/_user_request_"),
            orders_table: self.text("orders_table_name")?,
            inventory_table: self.text("inventory_table_name")?,
            queues: self.map("queue_urls")?,
            topics: self.map("topic_arns")?,
            functions: self.map("function_names")?,
            log_groups: self.map("log_group_names")?,
        })
    }

    fn text(&self, output: &'static str) -> Result<String, EnvironmentError> {
        let value = self.values.get(output).and_then(Value::as_str).map(str::to_owned);
        value.ok_or_else(|| self.wrong(output, "string"))
    }

    fn map(&self, output: &'static str) -> Result<BTreeMap<String, String>, EnvironmentError> {
        let value = self.values.get(output).and_then(|value| serde_json::from_value(value.clone()).ok());
        value.ok_or_else(|| self.wrong(output, "map of strings"))
    }

    fn wrong(&self, output: &'static str, expected: &'static str) -> EnvironmentError {
        EnvironmentError::Output { output, environment: self.environment.to_owned(), expected }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values() -> BTreeMap<String, Value> {
        BTreeMap::from([
            ("api_id".into(), json!("abc")),
            ("api_stage".into(), json!("v1")),
            ("orders_table_name".into(), json!("orders-table-local")),
            ("inventory_table_name".into(), json!("inventory-table-local")),
            ("queue_urls".into(), json!({"payment-queue": "http://q"})),
            ("topic_arns".into(), json!({})),
            ("function_names".into(), json!({})),
            ("log_group_names".into(), json!({})),
        ])
    }

    #[test]
    fn the_api_is_called_through_the_emulator() {
        let connection = Outputs::new("local", values()).connection("http://127.0.0.1:1").unwrap();
        assert_eq!(connection.api_url, "http://127.0.0.1:1/restapis/abc/v1/_user_request_");
        assert_eq!(connection.queues["payment-queue"], "http://q");
    }

    #[test]
    fn a_missing_output_is_reported() {
        let mut values = values();
        values.remove("topic_arns");
        let error = Outputs::new("local", values).connection("http://127.0.0.1:1").unwrap_err().to_string();
        assert!(error.contains("`topic_arns` of envs/local"), "{error}");
    }
}
