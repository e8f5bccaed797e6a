//! Lambda's events and answers, turned into what the stages know.

pub mod http;
pub mod queue;
pub mod stream;

/// The function's answer where no partial one can be given: Lambda delivers the whole batch again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("something of the batch failed that cannot be named, so that all of it is delivered again")]
pub struct WholeBatch;
