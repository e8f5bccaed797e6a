//! Errors that stop the demonstration. Its findings are its result, and not errors.

use crate::catalogue::CatalogueError;
use deployed::client::ApiError;
use local::environment::EnvironmentError;

/// Any error of the SDK or of an HTTP client.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A step of the demonstration that failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The API's client cannot be created.
    #[error("the order API cannot be called")]
    Api(#[from] ApiError),
    /// The catalogue was not filled.
    #[error("the catalogue was not filled")]
    Catalogue(#[from] CatalogueError),
    /// A call to the environment failed.
    #[error("{what} failed; check that the environment is still up")]
    Call {
        /// The call and its target.
        what: String,
        /// The answer.
        #[source]
        source: Source,
    },
    /// The environment was not created or not destroyed.
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
