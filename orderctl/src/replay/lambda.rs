//! Invokes a Lambda function with one signed request. Lambda's SDK would be the largest crate of the workspace.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use rand::Rng;
use reqwest::StatusCode;
use serde_json::Value;

use deployed::client::http_client;
use deployed::client::signature::Signer;
use order_contract::REGION;

/// Maximum wait for an answer: the function's timeout of 60 s, plus its cold start.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Maximum attempts of a throttled invocation.
const ATTEMPTS: u32 = 5;
/// Maximum wait before the first retry; it doubles with each retry.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Maximum characters of an answer in an error.
const SHOWN: usize = 300;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An invocation failed.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The request cannot be signed.
    #[error("{function} cannot be invoked; check your AWS credentials")]
    Request {
        /// The function.
        function: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// There was no answer.
    #[error("{function} did not answer; check that the environment is up")]
    NoAnswer {
        /// The function.
        function: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Lambda refused.
    #[error("Lambda refused to invoke {function} ({status}): {answer}")]
    Refused {
        /// The function.
        function: String,
        /// HTTP status.
        status: u16,
        /// Lambda's answer, shortened.
        answer: String,
    },
    /// The function ran and failed.
    #[error("{function} failed: {answer}; see its log")]
    Failed {
        /// The function.
        function: String,
        /// Its answer, shortened.
        answer: String,
    },
    /// The function's answer is not valid JSON.
    #[error("{function} gave an answer that is not valid JSON")]
    Answer {
        /// The function.
        function: String,
        /// The parse error.
        #[source]
        source: serde_json::Error,
    },
}

impl InvokeError {
    /// Whether the function ran, so that another payload may succeed.
    #[must_use]
    pub fn is_the_functions(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Answer { .. })
    }
}

/// Lambda's Invoke API.
#[derive(Debug, Clone)]
pub struct Functions {
    http: reqwest::Client,
    endpoint: String,
    region: String,
    credentials: Option<SharedCredentialsProvider>,
}

impl Functions {
    /// A client for this configuration.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be created.
    pub fn new(aws: &SdkConfig) -> Result<Self, deployed::client::ApiError> {
        let region = aws.region().map_or_else(|| REGION.to_owned(), ToString::to_string);
        let on_aws = || format!("https://lambda.{region}.amazonaws.com");
        Ok(Self {
            http: http_client(TIMEOUT)?,
            endpoint: aws.endpoint_url().map_or_else(on_aws, |url| url.trim_end_matches('/').to_owned()),
            credentials: aws.credentials_provider(),
            region,
        })
    }

    /// Invokes a function and waits for its answer. A throttled invocation is retried with growing waits.
    ///
    /// # Errors
    ///
    /// [`InvokeError`] when the invocation or the function failed.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Value, InvokeError> {
        let body = payload.to_string().into_bytes();
        let mut attempt = 1;
        loop {
            let (status, failed, answer) = self.invoke_once(function, &body).await?;
            let shown = || answer.chars().take(SHOWN).collect();
            match status {
                StatusCode::TOO_MANY_REQUESTS if attempt < ATTEMPTS => {
                    let most = FIRST_WAIT * 2_u32.saturating_pow(attempt - 1);
                    let wait = rand::rng().random_range(Duration::ZERO..=most);
                    tokio::time::sleep(wait).await;
                }
                _ if !status.is_success() => {
                    let (function, status) = (function.to_owned(), status.as_u16());
                    return Err(InvokeError::Refused { function, status, answer: shown() });
                }
                _ if failed => return Err(InvokeError::Failed { function: function.to_owned(), answer: shown() }),
                _ => {
                    let answer = serde_json::from_str(&answer);
                    return answer.map_err(|source| InvokeError::Answer { function: function.to_owned(), source });
                }
            }
            attempt += 1;
        }
    }

    /// Status, whether the function failed, and the answer.
    async fn invoke_once(&self, function: &str, body: &[u8]) -> Result<(StatusCode, bool, String), InvokeError> {
        let headers = [("content-type", "application/json"), ("x-amz-invocation-type", "RequestResponse")];
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let signed = self.sign(&url, &headers, body).await;
        let signed = signed.map_err(|source| InvokeError::Request { function: function.to_owned(), source })?;
        let mut request = self.http.post(&url).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in signed {
            request = request.header(name, value);
        }
        let no_answer = |source| InvokeError::NoAnswer { function: function.to_owned(), source };
        let response = request.send().await.map_err(no_answer)?;
        let (status, failed) = (response.status(), response.headers().contains_key("x-amz-function-error"));
        Ok((status, failed, response.text().await.map_err(no_answer)?))
    }

    /// Reads the credentials for each request: a role's credentials may expire during a long replay, and the provider renews
    /// them.
    async fn sign(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<(String, String)>, Cause> {
        let provider = self.credentials.as_ref().ok_or("there are no AWS credentials")?;
        let signer = Signer::of(provider.provide_credentials().await?, &self.region);
        signer.headers("lambda", "POST", url, headers, body, SystemTime::now())
    }
}
