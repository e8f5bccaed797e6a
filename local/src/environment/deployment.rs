//! Applies the pipeline to an emulator, connects it to the payment gateway, destroys it, and lists remaining resources.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_sdk_secretsmanager::error::DisplayErrorContext;
use serde::Serialize;

use super::EnvironmentError;
use super::outputs::Outputs;
use crate::emulator::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, inventory};
use crate::terraform::{Applied, Settings, Terraform};
use crate::toolchain::Toolchain;
use deployed::client::aws_configuration;
use deployed::instance::{Instance, Record};
use deployed::{Connection, PaymentGateway};
use order_contract::REGION;
use payment_simulator::WebhookSettings;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// The result of destroying an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Destroyed {
    /// How many resources Terraform destroyed.
    pub resources: u64,
    /// Every remaining resource; empty if all is well.
    pub left_behind: Vec<String>,
}

/// Terraform for an instance, with its variables set.
///
/// # Errors
///
/// When Terraform's files cannot be written.
pub fn terraform(
    instance: &Instance,
    record: &Record,
    root_module: PathBuf,
    toolchain: &Toolchain,
    cancel: &Cancel,
) -> Result<Terraform, EnvironmentError> {
    let text = |value: &str| value.to_owned();
    let environment = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ("AWS_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        // Not the user's AWS profiles.
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ];
    let variables = [
        ("aws_endpoint", text(&record.endpoint)),
        ("functions_package", record.functions_package.display().to_string()),
        ("payment_gateway_url", text(&record.payment_gateway.url)),
    ];
    let settings = Settings {
        directory: root_module,
        logs: instance.logs(),
        environment: environment.map(|(name, value)| (text(name), text(value))).into(),
        variables: BTreeMap::from(variables.map(|(name, value)| (text(name), value))),
    };
    Ok(Terraform::new(toolchain, settings, cancel.clone())?)
}

/// Applies the pipeline and stores the payment gateway's secrets.
///
/// # Errors
///
/// When Terraform fails, when an output is missing, when the key cannot be stored, or when cancelled.
pub async fn deploy(
    terraform: &Terraform,
    record: &Record,
    progress: Progress,
) -> Result<(Connection, Applied), EnvironmentError> {
    let step = progress.step("Preparing Terraform");
    terraform.init(progress).await?;
    step.finish("ready");
    let step = progress.step(format!("Applying envs/{}", record.environment));
    let applied = terraform.apply(&step).await?;
    step.finish(&format!("{} resources", applied.added));
    let outputs = Outputs::new(&record.environment, terraform.outputs().await?);
    let connection = outputs.connection(&record.endpoint)?;
    let gateway = &record.payment_gateway;
    store(&connection, &outputs.payment_secret_arn()?, &gateway.api_key).await?;
    store(&connection, &outputs.webhook_secret_arn()?, &gateway.webhook_secret).await?;
    register_webhooks(&connection, gateway).await?;
    Ok((connection, applied))
}

/// Destroys the pipeline and lists remaining resources.
///
/// # Errors
///
/// When Terraform fails, when the emulator does not answer, or when cancelled.
pub async fn destroy(
    terraform: &Terraform,
    record: &Record,
    progress: Progress,
) -> Result<Destroyed, EnvironmentError> {
    let step = progress.step(format!("Destroying envs/{}", record.environment));
    let applied = terraform.destroy(&step).await?;
    step.finish(&format!("{} resources", applied.removed));
    let left_behind =
        inventory(&record.endpoint).await.map_err(|(kind, source)| EnvironmentError::Inventory { kind, source })?;
    Ok(Destroyed { resources: applied.removed, left_behind })
}

/// Registers the webhook endpoint at the gateway. The API's URL is known only after the apply.
async fn register_webhooks(connection: &Connection, gateway: &PaymentGateway) -> Result<(), EnvironmentError> {
    let to = format!("{}/webhooks/payment", connection.api_url);
    let settings = WebhookSettings::new(to, gateway.webhook_secret.clone());
    deployed::client::use_tls();
    let put = reqwest::Client::new().put(format!("{}/_simulator/webhooks", gateway.url)).json(&settings).send().await;
    put.and_then(reqwest::Response::error_for_status).map(drop).map_err(|source| EnvironmentError::Webhooks { source })
}

async fn store(connection: &Connection, secret: &str, value: &str) -> Result<(), EnvironmentError> {
    let client = aws_sdk_secretsmanager::Client::new(&aws_configuration(connection).await);
    let put = client.put_secret_value().secret_id(secret).secret_string(value);
    put.send().await.map(drop).map_err(|error| EnvironmentError::Secret {
        secret: secret.to_owned(),
        source: DisplayErrorContext(error).to_string().into(),
    })
}
