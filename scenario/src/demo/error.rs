//! Why the demonstration could not be carried out. What it *finds* is no error but its result.

use crate::catalogue::CatalogueError;
use deployed::client::ApiError;
use local::environment::EnvironmentError;

/// Any error of the SDK or of an HTTP client.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A step of the demonstration that failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The API's client cannot be made.
    #[error("the order API cannot be called")]
    Api(#[from] ApiError),
    /// The catalogue was not filled.
    #[error("the catalogue was not filled")]
    Catalogue(#[from] CatalogueError),
    /// A call to the environment failed.
    #[error("{what} failed; look whether the environment is still up")]
    Call {
        /// What was called, and on what.
        what: String,
        /// What it said.
        #[source]
        source: Source,
    },
    /// The environment did not come up, or did not go away.
    #[error("the environment failed")]
    Environment(#[from] EnvironmentError),
    /// The environment lacks something that the demonstration needs.
    #[error("the environment has no {0}; apply it again")]
    Missing(String),
}

impl DemoError {
    pub(super) fn call(what: impl Into<String>, source: impl Into<Source>) -> Self {
        Self::Call { what: what.into(), source: source.into() }
    }
}
