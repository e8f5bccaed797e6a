//! One request to the gateway and its reply, without a meaning yet: what a simulation replaces.

use reqwest::StatusCode;

use crate::failure::Failure;

/// What the gateway replied.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// JSON, or what a proxy in between put there.
    pub body: Vec<u8>,
    /// Whether the gateway repeats what it saved under the idempotency key.
    pub replayed: bool,
}

impl Reply {
    /// Whether this is a server error that was saved: under this key the gateway says nothing else for at least 24 hours
    /// (docs.stripe.com/api/idempotent_requests), and what was done is not known.
    #[must_use]
    pub fn is_saved_error(&self) -> bool {
        self.replayed && self.status.is_server_error()
    }
}

/// Why a request has no reply.
#[derive(Debug, Clone)]
pub enum Unanswered {
    /// It was not sent, for a reason that says nothing about the gateway.
    NotSent(Failure),
    /// It was sent, and no reply came. What the gateway did is not known.
    NoReply(Failure),
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::NotSent(failure) | Unanswered::NoReply(failure) => failure,
        }
    }
}

/// The way to the gateway. `what` says in errors what the request is for.
pub trait Transport: Send + Sync {
    /// Asks for a change, under a key that makes asking twice asking once.
    fn post(
        &self,
        path: &str,
        idempotency_key: &str,
        form: &[(&str, String)],
        what: &str,
    ) -> impl Future<Output = Result<Reply, Unanswered>> + Send;

    /// Reads.
    fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        what: &str,
    ) -> impl Future<Output = Result<Reply, Unanswered>> + Send;
}
