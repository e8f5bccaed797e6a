//! What it means when the gateway does not do what it was asked for: decided here and nowhere else.

use reqwest::StatusCode;

use super::http::Reply;
use super::objects::{PaymentIntent, StripeError};
use crate::failure::{DeadLetterReason, Failure};

/// An answer that is neither a payment nor a decline. Only codes: the gateway's texts can hold personal data.
#[derive(Debug, thiserror::Error)]
#[error("the gateway answered {status} ({kind}, {code})")]
struct Refused {
    status: StatusCode,
    kind: String,
    code: String,
}

/// The class of the gateway's refusal.
pub fn refusal(reply: &Reply, what: &str) -> Failure {
    let error = StripeError::of(reply);
    let refused = Refused {
        status: reply.status,
        kind: error.kind.unwrap_or_else(|| "no type".to_owned()),
        code: error.code.unwrap_or_else(|| "no code".to_owned()),
    };
    match reply.status {
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::PAYMENT_REQUIRED => {
            Failure::permanent(DeadLetterReason::RequestRefused, what, refused)
        }
        _ => Failure::transient(what, refused),
    }
}

/// The payment's state after an operation, also where it was in that state before: the gateway then answers with an
/// error that names the state.
pub fn state_after(reply: &Reply, what: &str) -> Result<String, Failure> {
    if reply.status.is_success() {
        return Ok(PaymentIntent::of(reply, what)?.status);
    }
    let error = StripeError::of(reply);
    match error.payment_intent {
        Some(intent) if error.code.as_deref() == Some("payment_intent_unexpected_state") => Ok(intent.status),
        _ => Err(refusal(reply, what)),
    }
}

/// A state in which the payment should not be.
pub fn unexpected(state: &str, what: &str) -> Failure {
    Failure::Permanent { what: format!("{what}: it is {state}"), reason: DeadLetterReason::RequestRefused, cause: None }
}
