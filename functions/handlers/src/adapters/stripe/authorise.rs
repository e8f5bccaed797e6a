//! The request for an authorisation, and the meaning of the gateway's answer.

use std::time::Duration;

use order_domain::order::Order;
use reqwest::StatusCode;

use super::objects::{ENVIRONMENT_METADATA, ORDER_METADATA, PaymentIntent, StripeError};
use super::refusal::refusal;
use super::transport::Reply;
use crate::failure::Failure;
use crate::ports::GatewayAnswer;

/// How long an order waits after its key is spent: then the next key is in use.
const SPENT_KEY_WAITS: Duration = Duration::from_secs(120);

/// Codes of a request that is wrong because of what the order brought (docs.stripe.com/error-codes).
const DECLINING_CODES: [&str; 5] = [
    "amount_too_large",
    "amount_too_small",
    "payment_method_customer_decline",
    "payment_method_invalid_parameter",
    "payment_method_unexpected_state",
];

/// The request's parameters. One idempotency key belongs to one set of them: they depend on the order and the attempt only.
pub fn form(order: &Order, attempt: u32, environment: &str) -> Vec<(&'static str, String)> {
    let mut form = vec![
        ("amount", order.total.amount.to_string()),
        ("currency", order.total.currency.to_string().to_lowercase()),
        ("payment_method", order.payment_method.as_str().to_owned()),
        ("payment_method_types[]", "card".to_owned()),
        ("capture_method", "manual".to_owned()),
        ("confirm", "true".to_owned()),
        // Nobody sits at the pipeline who could pass a 3-D Secure challenge: asked for one, the payment fails.
        ("error_on_requires_action", "true".to_owned()),
        (ORDER_METADATA, order.order_id.to_string()),
        (ENVIRONMENT_METADATA, environment.to_owned()),
        ("expand[]", "latest_charge".to_owned()),
    ];
    form.extend(order.payment_customer.as_ref().map(|customer| ("customer", customer.to_string())));
    // The first stays as it was before attempts were counted.
    if attempt > 1 {
        // An authorisation that is found later has the number of its attempt.
        form.push(("metadata[attempt]", attempt.to_string()));
        // The customer is not there any more (docs.stripe.com/api/payment_intents/create#create_payment_intent-off_session).
        form.push(("off_session", "true".to_owned()));
    }
    form
}

/// The meaning of the gateway's answer to an authorisation.
pub fn answer(reply: &Reply, attempt: u32, what: &str) -> Result<GatewayAnswer, Failure> {
    if reply.status.is_success() {
        let intent = PaymentIntent::of(reply, what)?;
        return match intent.status.as_str() {
            "requires_capture" => Ok(GatewayAnswer::Authorised(intent.into_authorisation(attempt))),
            "requires_payment_method" | "requires_action" | "canceled" => Ok(GatewayAnswer::Declined(intent.status)),
            state => Err(Failure::transient_because(format!("{what}: the payment is still {state}"))),
        };
    }
    if reply.is_saved_error() {
        // The gateway is well, and this key is spent: others go on, and this order with the next key.
        return Err(spent(format!("{what}: the gateway keeps an error of its own under this key")));
    }
    let error = StripeError::of(reply);
    if reply.status == StatusCode::PAYMENT_REQUIRED && error.kind.as_deref() == Some("card_error") {
        let code = error.decline_code.or(error.code).unwrap_or_else(|| "unknown".to_owned());
        return Ok(GatewayAnswer::Declined(code));
    }
    if reply.status == StatusCode::BAD_REQUEST && is_the_orders_fault(&error, attempt) {
        let code = error.code.unwrap_or_else(|| "invalid_request".to_owned());
        tracing::warn!(code, "{what}: the gateway will never take this payment as the order has it");
        return Ok(GatewayAnswer::Declined(code));
    }
    Err(refusal(reply, what))
}

/// Whether the request is wrong because of what the order brought: an unknown means of payment, an amount that no card takes.
/// The order must end and its stock be free, so it is declined. Any other refusal is a mistake of ours or of the account's
/// settings, for which no customer's order may end: a person has to look.
fn is_the_orders_fault(error: &StripeError, attempt: u32) -> bool {
    let about = match (error.code.as_deref(), error.param.as_deref()) {
        (Some("resource_missing") | None, Some("payment_method" | "customer" | "amount")) => true,
        (Some(code), _) => DECLINING_CODES.contains(&code),
        _ => false,
    };
    // A means of payment that belongs to no customer can be used once; the refusal of a second use has no code
    // (docs.stripe.com/payments/save-and-reuse).
    let used_up =
        attempt > 1 && error.message.as_deref().is_some_and(|message| message.contains("was previously used"));
    error.kind.as_deref() == Some("invalid_request_error") && (about || used_up)
}

/// Under its key nothing new is said: the order waits for the next one.
pub const fn spent(what: String) -> Failure {
    Failure::Waiting { what, wait: SPENT_KEY_WAITS, cause: None }
}

#[cfg(test)]
mod tests {
    use order_domain::time::Timestamp;

    use super::*;

    fn classed(status: u16, body: &str) -> Result<GatewayAnswer, Failure> {
        let reply =
            Reply { status: StatusCode::from_u16(status).unwrap(), body: body.as_bytes().to_vec(), replayed: false };
        answer(&reply, 1, "the payment")
    }

    #[test]
    fn an_authorisation_has_the_time_of_its_end() {
        let body = r#"{"id":"pi_1","status":"requires_capture","latest_charge":
            {"payment_method_details":{"card":{"capture_before":1764000000}}}}"#;
        let Ok(GatewayAnswer::Authorised(authorisation)) = classed(200, body) else { panic!("not authorised") };
        assert_eq!(authorisation.payment_intent, "pi_1");
        assert_eq!(authorisation.capture_before, Timestamp::from_unix_seconds(1_764_000_000).ok());
        let unexpanded = r#"{"id":"pi_1","status":"requires_capture","latest_charge":"ch_1"}"#;
        assert!(matches!(classed(200, unexpanded), Ok(GatewayAnswer::Authorised(_))));
    }

    #[test]
    fn a_card_error_is_a_decline_and_names_the_code() {
        let body = r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"}}"#;
        assert_eq!(classed(402, body).unwrap(), GatewayAnswer::Declined("insufficient_funds".into()));
        let body = r#"{"error":{"type":"card_error","code":"authentication_required"}}"#;
        assert_eq!(classed(402, body).unwrap(), GatewayAnswer::Declined("authentication_required".into()));
        let body = r#"{"error":{"type":"invalid_request_error","code":"amount_too_small"}}"#;
        assert_eq!(classed(400, body).unwrap(), GatewayAnswer::Declined("amount_too_small".into()));
    }

    #[test]
    fn a_mistake_of_ours_declines_no_order() {
        let declines = [
            (1, r#""code":"resource_missing","param":"payment_method""#),
            (1, r#""code":"payment_method_unexpected_state""#),
            (2, r#""message":"The provided PaymentMethod was previously used with …""#),
        ];
        let mistakes = [
            (1, r#""code":"parameter_unknown","param":"expand""#),
            (1, r#""param":"currency""#),
            (2, r#""message":"…""#),
            (1, r#""code":"payment_method_unactivated""#),
        ];
        let answers = |(attempt, error): (u32, &str)| {
            let body = format!(r#"{{"error":{{"type":"invalid_request_error",{error}}}}}"#).into_bytes();
            answer(&Reply { status: StatusCode::BAD_REQUEST, body, replayed: false }, attempt, "the payment")
        };
        for case in declines {
            assert!(matches!(answers(case), Ok(GatewayAnswer::Declined(_))), "{case:?}");
        }
        for case in mistakes {
            assert!(matches!(answers(case), Err(Failure::Permanent { .. })), "{case:?}");
        }
    }

    #[test]
    fn an_error_that_the_gateway_keeps_says_nothing_of_its_health() {
        let reply = |replayed| Reply { status: StatusCode::INTERNAL_SERVER_ERROR, body: b"{}".to_vec(), replayed };
        assert!(matches!(answer(&reply(false), 1, "the payment"), Err(Failure::Transient { .. })));
        assert!(matches!(answer(&reply(true), 1, "the payment"), Err(Failure::Waiting { .. })));
    }

    #[test]
    fn an_error_is_transient_if_a_retry_can_help_and_permanent_otherwise() {
        for status in [401, 403, 500, 503] {
            assert!(matches!(classed(status, "{}"), Err(Failure::Transient { .. })), "{status}");
        }
        assert!(matches!(classed(200, "<html>"), Err(Failure::Transient { .. })));
        assert!(matches!(classed(200, r#"{"id":"pi_1","status":"processing"}"#), Err(Failure::Transient { .. })));
        let body = r#"{"error":{"type":"idempotency_error"}}"#;
        assert!(matches!(classed(400, body), Err(Failure::Permanent { .. })));
    }
}
