//! One way to make an HTTP client: with time limits, and with the one TLS implementation that the workspace uses.

use std::time::Duration;

use super::ApiError;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// An HTTP client whose requests take at most `timeout`, answer included. Clones share its connections.
///
/// # Errors
///
/// [`ApiError::Client`] when the system's TLS roots cannot be read.
pub fn http_client(timeout: Duration) -> Result<reqwest::Client, ApiError> {
    // Fails when it was installed before, by us or by the AWS SDK, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(timeout).build().map_err(ApiError::Client)
}
