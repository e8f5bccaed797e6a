//! The meaning of the gateway's refusals. It is decided here and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;

use super::objects::{PaymentIntent, StripeError};
use super::transport::Reply;
use crate::failure::{DeadLetterReason, Failure};

/// How long an order waits at least that the gateway was too busy for: its limits are per second
/// (docs.stripe.com/rate-limits).
const BUSY_GATEWAY_WAITS: Duration = Duration::from_secs(3);

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
        // It is well, and wants to be asked more slowly, or is still busy with the same request. The circuit breaker does not
        // count this, so that a burst of orders does not close the gateway to all.
        StatusCode::TOO_MANY_REQUESTS | StatusCode::CONFLICT => {
            Failure::Waiting { what: what.to_owned(), wait: BUSY_GATEWAY_WAITS, cause: Some(Arc::new(refused)) }
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
    // The card network ended the authorisation, and the gateway has not cancelled the payment yet (docs.stripe.com/error-codes).
    if matches!(error.code.as_deref(), Some("charge_expired_for_capture" | "capture_charge_authorization_expired")) {
        return Ok("canceled".to_owned());
    }
    match error.payment_intent {
        Some(intent) if error.code.as_deref() == Some("payment_intent_unexpected_state") => Ok(intent.status),
        _ => Err(refusal(reply, what)),
    }
}

/// A state in which the payment should not be.
pub fn unexpected(state: &str, what: &str) -> Failure {
    Failure::Permanent { what: format!("{what}: it is {state}"), reason: DeadLetterReason::RequestRefused, cause: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status: StatusCode::from_u16(status).unwrap(), body: body.as_bytes().to_vec(), replayed: false }
    }

    #[test]
    fn an_expired_authorisation_counts_as_expired_before_the_gateway_cancels_it() {
        for code in ["charge_expired_for_capture", "capture_charge_authorization_expired"] {
            let body = format!(r#"{{"error":{{"type":"invalid_request_error","code":"{code}"}}}}"#);
            assert_eq!(state_after(&reply(400, &body), "it").unwrap(), "canceled");
        }
        assert!(matches!(state_after(&reply(400, "{}"), "it"), Err(Failure::Permanent { .. })));
    }

    #[test]
    fn a_gateway_that_is_busy_is_not_one_that_fails() {
        for status in [409, 429] {
            assert!(matches!(refusal(&reply(status, "{}"), "it"), Failure::Waiting { .. }), "{status}");
        }
        for status in [401, 403, 500, 502, 503] {
            assert!(matches!(refusal(&reply(status, "{}"), "it"), Failure::Transient { .. }), "{status}");
        }
    }
}
