//! Why a request to the order API got no answer that can be used.

/// A request that failed. A refusal by the API is an answer, not a failure.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made; look at this system's TLS certificates")]
    Client(#[source] reqwest::Error),
    /// The request cannot be signed.
    #[error("the request to {url} cannot be signed; look at the environment's credentials and region")]
    Sign {
        /// The request's URL.
        url: String,
        /// What the signer says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer came, after every attempt that was safe.
    #[error("{method} {url} got no answer in {attempts} attempt(s); look whether the environment is up")]
    NoAnswer {
        /// The request's method.
        method: &'static str,
        /// The request's URL.
        url: String,
        /// How often it was sent.
        attempts: u32,
        /// Why the last attempt failed.
        #[source]
        source: reqwest::Error,
    },
    /// An answer came that is not what the API promises.
    #[error("{method} {url} answered {status} with a body that is not what the API promises: {body}")]
    UnexpectedBody {
        /// The request's method.
        method: &'static str,
        /// The request's URL.
        url: String,
        /// The answer's HTTP status.
        status: u16,
        /// The answer's body, shortened.
        body: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}
