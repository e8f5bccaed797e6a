//! A pipeline that is deployed, on this machine or on AWS, as the operator's commands reach it: by the names that the
//! generator gives its parts.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use order_domain::stage::Stage;

use crate::Connection;
use crate::client::aws_configuration;
use crate::instance::{InstanceError, InstanceName, State, status};
use order_contract::REGION;

/// Longest time for one attempt of a call; longer than the longest long poll of a queue (20 s).
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Another command looks at an instance for a moment; it is asked again this often, this far apart.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(150);

/// How to reach a deployed pipeline.
#[derive(Debug, Clone)]
pub struct Deployed {
    aws: SdkConfig,
    name: String,
    orders_table: String,
    inventory_table: String,
    notify_function: String,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    /// Queue URLs by name, as Terraform told them.
    Emulator {
        queues: BTreeMap<String, String>,
    },
    Aws {
        suffix: String,
    },
}

/// A deployed pipeline cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum DeployedError {
    /// The instance is not up.
    #[error(
        "instance `{instance}` is not up; `cargo ops status` lists what is, and --suffix names an environment on AWS"
    )]
    NotUp {
        /// The instance.
        instance: String,
    },
    /// Another command holds the instance.
    #[error("instance `{instance}` is in use by another command, e.g. `up` or `demo`; wait for it, and try again")]
    InUse {
        /// The instance.
        instance: String,
    },
    /// The instances cannot be read.
    #[error("cannot tell what is up on this machine")]
    Status(#[from] InstanceError),
    /// A suffix that no environment has.
    #[error(
        "`{suffix}` is not a valid environment suffix: 1 to 12 lower-case letters, digits and hyphens, a letter first"
    )]
    Suffix {
        /// The suffix.
        suffix: String,
    },
    /// A queue cannot be looked up.
    #[error("queue {queue} could not be looked up in {REGION}; look at your AWS credentials and their permissions")]
    Queue {
        /// The queue's name.
        queue: String,
        /// What SQS said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// AWS does not say who is calling.
    #[error("AWS does not say whose credentials these are; give a name for the audit record with --by")]
    Identity(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Deployed {
    /// The environment of this connection.
    pub async fn of_connection(connection: &Connection, name: &str) -> Self {
        let notify = function_name(Stage::Notify);
        Self {
            aws: aws_configuration(connection).await,
            name: name.to_owned(),
            orders_table: connection.orders_table.clone(),
            inventory_table: connection.inventory_table.clone(),
            notify_function: connection.functions.get(&notify).cloned().unwrap_or(notify),
            place: Place::Emulator { queues: connection.queues.clone() },
        }
    }

    /// An instance that is up on this machine.
    ///
    /// # Errors
    ///
    /// When it is not up, or another command holds it.
    pub async fn local(instance: &str) -> Result<Self, DeployedError> {
        let name = InstanceName::new(instance)?;
        for _ in 0..LOOKS {
            match status()?.into_iter().find(|known| known.name == name).map(|known| known.state) {
                Some(State::Up { connection, .. }) => return Ok(Self::of_connection(&connection, instance).await),
                Some(State::InUse) => tokio::time::sleep(BETWEEN_LOOKS).await,
                Some(State::Remains) | None => return Err(DeployedError::NotUp { instance: instance.to_owned() }),
            }
        }
        Err(DeployedError::InUse { instance: instance.to_owned() })
    }

    /// The environment of this suffix on AWS, reached with the credentials that the AWS tools use: environment
    /// variables, the profile, a web identity, the container's or the machine's role.
    ///
    /// # Errors
    ///
    /// When the suffix cannot be one.
    pub async fn on_aws(suffix: &str) -> Result<Self, DeployedError> {
        let fit = (1..=12).contains(&suffix.len())
            && suffix.starts_with(|first: char| first.is_ascii_lowercase())
            && suffix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !fit {
            return Err(DeployedError::Suffix { suffix: suffix.to_owned() });
        }
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let aws = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .timeout_config(timeouts)
            .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
            .load()
            .await;
        Ok(Self {
            aws,
            name: format!("{suffix} on AWS"),
            orders_table: format!("orders-table-{suffix}"),
            inventory_table: format!("inventory-table-{suffix}"),
            notify_function: format!("{}-{suffix}", function_name(Stage::Notify)),
            place: Place::Aws { suffix: suffix.to_owned() },
        })
    }

    /// The configuration of an SDK client.
    #[must_use]
    pub fn aws(&self) -> &SdkConfig {
        &self.aws
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of the orders table.
    #[must_use]
    pub fn orders_table(&self) -> &str {
        &self.orders_table
    }

    /// Name of the inventory table.
    #[must_use]
    pub fn inventory_table(&self) -> &str {
        &self.inventory_table
    }

    /// Name of the function that publishes notifications.
    #[must_use]
    pub fn notify_function(&self) -> &str {
        &self.notify_function
    }

    /// The URL of a queue, by its name without the suffix; `None` where the environment has no such queue.
    ///
    /// # Errors
    ///
    /// When SQS cannot be asked.
    pub async fn queue_url(&self, queue: &str) -> Result<Option<String>, DeployedError> {
        let suffix = match &self.place {
            Place::Emulator { queues } => return Ok(queues.get(queue).cloned()),
            Place::Aws { suffix } => suffix,
        };
        let queue = format!("{queue}-{suffix}");
        match aws_sdk_sqs::Client::new(&self.aws).get_queue_url().queue_name(&queue).send().await {
            Ok(found) => Ok(found.queue_url),
            Err(error) if error.as_service_error().is_some_and(is_missing) => Ok(None),
            Err(error) => Err(DeployedError::Queue { queue, source: error.into() }),
        }
    }

    /// Who is working with it: on AWS the caller's ARN, on this machine the user.
    ///
    /// # Errors
    ///
    /// When AWS does not say.
    pub async fn operator(&self) -> Result<String, DeployedError> {
        if let Place::Emulator { .. } = self.place {
            let named = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
            let user = named.filter(|name| !name.is_empty());
            return Ok(user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw())));
        }
        let caller = aws_sdk_sts::Client::new(&self.aws).get_caller_identity().send().await;
        let arn = caller.map_err(|error| DeployedError::Identity(error.into()))?.arn;
        arn.ok_or_else(|| DeployedError::Identity("the answer names no ARN".into()))
    }
}

fn function_name(stage: Stage) -> String {
    format!("{}-function", stage.name())
}

/// The query and the JSON protocol name it differently.
fn is_missing(error: &aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError) -> bool {
    error.is_queue_does_not_exist() || error.code().is_some_and(|code| code.ends_with("NonExistentQueue"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn on_aws_the_parts_are_named_by_the_suffix() {
        let deployed = Deployed::on_aws("prod").await.unwrap();
        assert_eq!(deployed.orders_table(), "orders-table-prod");
        assert_eq!(deployed.notify_function(), "notify-function-prod");
        assert_eq!(deployed.aws().region().unwrap().as_ref(), "eu-west-2");
    }

    #[tokio::test]
    async fn a_suffix_that_cannot_be_one_is_refused_before_anything_is_asked() {
        for suffix in ["", "Prod", "a b", "prod/../x", "1st", &"x".repeat(13)] {
            assert!(Deployed::on_aws(suffix).await.is_err(), "{suffix}");
        }
    }
}
