//! The AWS SDK's configuration, and the class of its errors.

use std::error::Error;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use order_domain::wiring::timeout;

use crate::failure::{DeadLetterReason, Failure};

/// Who retries a call. One layer does, never two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// The queue, by redelivery with backoff: the SDK tries once.
    ByTheQueue,
    /// The SDK: nobody stands behind a read.
    ByTheSdk,
}

/// The configuration of every client; endpoint and credentials come from the environment.
pub async fn configuration(retries: Retries) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let retry = match retries {
        Retries::ByTheQueue => RetryConfig::disabled(),
        Retries::ByTheSdk => RetryConfig::standard().with_max_attempts(3),
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(timeout::AWS_CALL)
        .operation_timeout(timeout::AWS_CALL)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(retry)
        .timeout_config(timeouts)
        .load()
        .await
}

/// The class of an AWS error, decided here and nowhere else.
///
/// AWS refuses a malformed request whenever it is made: permanent. Everything else may pass, a missing permission and a
/// missing table too, for an operator mends those and no order may be lost over them.
pub fn classify<E, R>(what: impl Into<String>, error: SdkError<E, R>) -> Failure
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    match code {
        Some("ValidationException" | "SerializationException" | "InvalidMessageContents" | "InvalidParameter") => {
            Failure::permanent(DeadLetterReason::RequestRefused, what, error)
        }
        _ => Failure::transient(what, error),
    }
}
