//! Signed requests to any of the emulated AWS APIs without their SDKs: an inventory of twenty services would otherwise
//! need twenty crates.

use std::time::{Duration, SystemTime};

use super::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use deployed::client::http_client;
use deployed::client::signature::Signer;
use order_contract::REGION;

/// Request timeout. The emulator answers within milliseconds; a busy machine needs longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Any reason why a request was not answered.
pub type ApiFailure = Box<dyn std::error::Error + Send + Sync>;

/// A request to one of the services.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// The JSON protocol: an operation, e.g. `AmazonSQS.ListQueues`, and its input.
    Json {
        /// The operation.
        target: &'a str,
        /// The input, a JSON document.
        input: &'a str,
    },
    /// The query protocol: a form, e.g. `Action=ListTopics&Version=2010-03-31`.
    Query(&'a str),
    /// A GET of a REST service's path.
    Get(&'a str),
    /// A PUT to a REST service's path.
    Put {
        /// The path.
        path: &'a str,
        /// The input, a JSON document.
        input: &'a str,
    },
}

/// The emulator's APIs, called as its root user.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    endpoint: String,
}

impl Api {
    /// The APIs at this endpoint.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be created.
    pub fn new(endpoint: &str) -> Result<Self, ApiFailure> {
        Ok(Self { http: http_client(TIMEOUT)?, endpoint: endpoint.to_owned() })
    }

    /// Sends a request to `service`, by its signing name, and returns the answer's body.
    ///
    /// # Errors
    ///
    /// When there is no answer, or not a success.
    pub async fn call(&self, service: &str, request: Request<'_>) -> Result<String, ApiFailure> {
        let (method, path, body, headers): (_, _, _, Vec<(&str, &str)>) = match request {
            Request::Json { target, input } => {
                // DynamoDB and SQS use version 1.0, the others 1.1; the emulator accepts both from each.
                let headers = vec![("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target)];
                (reqwest::Method::POST, "/", input, headers)
            }
            Request::Query(form) => {
                (reqwest::Method::POST, "/", form, vec![("content-type", "application/x-www-form-urlencoded")])
            }
            Request::Get(path) => (reqwest::Method::GET, path, "", vec![]),
            Request::Put { path, input } => {
                (reqwest::Method::PUT, path, input, vec![("content-type", "application/json")])
            }
        };
        let url = format!("{}{path}", self.endpoint);
        let signer = Signer::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, REGION);
        let signed = signer.headers(service, method.as_str(), &url, &headers, body.as_bytes(), SystemTime::now())?;
        let mut builder = self.http.request(method, &url).body(body.to_owned());
        for (name, value) in &headers {
            builder = builder.header(*name, *value);
        }
        for (name, value) in &signed {
            builder = builder.header(name, value);
        }
        let response = builder.send().await?;
        let status = response.status();
        let text = response.text().await?;
        if status.is_success() { Ok(text) } else { Err(format!("{service} answered {status}: {text}").into()) }
    }
}
