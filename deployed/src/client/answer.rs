//! What a client gets: one of the API's documents, or a refusal.

use std::time::Duration;

use order_contract::api::answers::Accepted;

/// The answer to an order that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed {
    /// It is in the queue and will not be lost.
    Accepted(Accepted),
    /// It was refused, and nothing was done.
    Refused(Problem),
}

/// A refusal, read from `application/problem+json` as far as it is that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub title: Option<String>,
    /// What happened, in a sentence.
    pub detail: Option<String>,
    /// The whole body.
    pub body: String,
    /// When to ask again, where the API says so.
    pub retry_after: Option<Duration>,
}

impl Problem {
    pub(super) fn read(status: u16, retry_after: Option<Duration>, body: String) -> Self {
        let document: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let text = |field: &str| document.get(field).and_then(serde_json::Value::as_str).map(str::to_owned);
        Self { status, title: text("title").or_else(|| text("message")), detail: text("detail"), body, retry_after }
    }
}

/// An answer to a question about something that may not be there (yet).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// It is there.
    Found(T),
    /// It is not, or the question was refused.
    Problem(Problem),
}

impl<T> Found<T> {
    /// What was found.
    #[must_use]
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Problem(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_is_read_and_anything_else_is_kept_as_it_is() {
        let body = r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"items is missing"}"#;
        let problem = Problem::read(400, None, body.into());
        assert_eq!(problem.title.as_deref(), Some("Bad Request"));
        assert_eq!(problem.detail.as_deref(), Some("items is missing"));
        let plain = Problem::read(502, None, "Bad gateway".into());
        assert_eq!((plain.title, plain.body.as_str()), (None, "Bad gateway"));
    }
}
