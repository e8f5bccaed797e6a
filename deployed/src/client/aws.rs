//! The AWS SDK pointed at an environment, whatever this machine's own AWS configuration says.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::Connection;

/// Longest time for one attempt of a call; longer than the longest long poll of a queue.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// The configuration of any SDK client for the environment.
pub async fn aws_configuration(connection: &Connection) -> SdkConfig {
    let keys = Credentials::new(&connection.access_key_id, &connection.secret_access_key, None, None, "connection");
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(&connection.endpoint)
        .region(Region::new(connection.region.clone()))
        .credentials_provider(keys)
        .timeout_config(timeouts)
        .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
        .load()
        .await
}
