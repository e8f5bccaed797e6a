//! The AWS SDK's configuration, and the class of its errors.

use std::error::Error;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use order_contract::timeout;

use crate::failure::{DeadLetterReason, Failure};

/// Who retries a call. One layer does, never two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// The queue, by redelivery with backoff: the SDK tries once.
    ByTheQueue,
    /// The SDK: the client of a read does not retry.
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
/// A malformed request is a permanent failure. Every other error is transient, also a missing permission or table: an
/// operator fixes it, and no order may be lost meanwhile.
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

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::http::HttpResponse;
    use aws_sdk_dynamodb::error::{ConnectorError, ErrorMetadata};
    use aws_sdk_dynamodb::operation::put_item::PutItemError;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    type PutFailed = SdkError<PutItemError, HttpResponse>;

    fn response(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), SdkBody::empty())
    }

    /// An error that the service itself answers.
    fn answered(status: u16, code: &str) -> PutFailed {
        let error = PutItemError::generic(ErrorMetadata::builder().code(code).message("no").build());
        SdkError::service_error(error, response(status))
    }

    fn is_transient(error: PutFailed) -> bool {
        match classify("order ord-1 could not be stored", error) {
            Failure::Transient { what, cause: Some(_) } => what == "order ord-1 could not be stored",
            Failure::Permanent { reason: DeadLetterReason::RequestRefused, cause: Some(_), .. } => false,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_that_a_retry_can_help_is_transient() {
        for (status, code) in [
            // Throttling, in the spellings of DynamoDB, SQS, SNS, SES and Secrets Manager.
            (400, "ProvisionedThroughputExceededException"),
            (400, "ThrottlingException"),
            (400, "Throttling"),
            (400, "ThrottledException"),
            (400, "RequestLimitExceeded"),
            (403, "RequestThrottled"),
            (429, "TooManyRequestsException"),
            (400, "LimitExceededException"),
            (503, "SlowDown"),
            // Timeouts and the service's own trouble.
            (408, "RequestTimeout"),
            (500, "InternalServerError"),
            (500, "InternalFailure"),
            (500, "InternalError"),
            (503, "ServiceUnavailable"),
            (504, "GatewayTimeout"),
            // Conflicts.
            (400, "TransactionConflictException"),
            (400, "TransactionInProgressException"),
            (400, "TransactionCanceledException"),
            (400, "ConditionalCheckFailedException"),
            // Problems that an operator fixes.
            (403, "AccessDeniedException"),
            (403, "AccessDenied"),
            (403, "AuthorizationError"),
            (403, "ExpiredTokenException"),
            (403, "UnrecognizedClientException"),
            (403, "InvalidSignatureException"),
            (400, "ResourceNotFoundException"),
            (400, "QueueDoesNotExist"),
            (404, "NotFound"),
            (400, "KMSDisabledException"),
            // Unknown errors.
            (400, "SomethingNewException"),
        ] {
            assert!(is_transient(answered(status, code)), "{code}");
        }
    }

    #[test]
    fn a_request_that_is_malformed_is_refused_for_ever() {
        for code in ["ValidationException", "SerializationException", "InvalidMessageContents", "InvalidParameter"] {
            assert!(!is_transient(answered(400, code)), "{code}");
        }
    }

    #[test]
    fn an_answer_that_never_came_or_cannot_be_read_is_transient() {
        let without_code: PutFailed = SdkError::service_error(PutItemError::unhandled("no code"), response(502));
        for error in [
            without_code,
            SdkError::timeout_error("3 s are over"),
            SdkError::dispatch_failure(ConnectorError::io("connection reset".into())),
            SdkError::dispatch_failure(ConnectorError::timeout("no connection".into())),
            SdkError::dispatch_failure(ConnectorError::user("no such host".into())),
            SdkError::response_error("half an answer", response(200)),
            SdkError::construction_failure("no credentials"),
        ] {
            let shown = format!("{error:?}");
            assert!(is_transient(error), "{shown}");
        }
    }
}
