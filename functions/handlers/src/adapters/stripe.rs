//! The payment gateway: Stripe's API, v1 (docs.stripe.com/api/payment_intents).

use std::time::Duration;

use aws_sdk_secretsmanager::Client as SecretsManager;
use order_domain::order::{Authorisation, Order};
use order_domain::time::Timestamp;
use order_domain::wiring::variable;
use reqwest::StatusCode;
use serde::Deserialize;

use super::secret::Secret;
use super::settings::{self, SettingError};
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{CaptureAnswer, Found, Gateway, GatewayAnswer, Inspection, VoidAnswer};

/// Longest time for one call to the gateway. Stripe's own clients allow 80 s; the queue retries sooner.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A client of the gateway. Its key is read from Secrets Manager when it is first needed, and again after a refusal.
#[derive(Debug)]
pub struct StripeGateway {
    http: reqwest::Client,
    key: Secret,
    url: String,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum GatewaySetupError {
    /// A variable is missing.
    #[error("the payment gateway is not configured")]
    Setting(#[from] SettingError),
    /// No HTTP client.
    #[error("the HTTP client of the payment gateway cannot be built")]
    Http(#[source] reqwest::Error),
}

/// What the gateway answers to a payment intent, as far as it is used.
#[derive(Debug, Deserialize)]
struct PaymentIntent {
    id: String,
    status: String,
    #[serde(default)]
    created: i64,
    latest_charge: Option<Charge>,
}

#[derive(Debug, Deserialize)]
struct SearchResult {
    data: Vec<PaymentIntent>,
}

/// A charge, where it is expanded.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Charge {
    Expanded {
        payment_method_details: Option<Details>,
        #[serde(default)]
        amount_refunded: u64,
    },
    // Only its id: the answer was not expanded, so it says nothing of `capture_before`.
    Id(#[expect(dead_code, reason = "names the form of the answer")] String),
}

#[derive(Debug, Deserialize)]
struct Details {
    card: Option<Card>,
}

#[derive(Debug, Deserialize)]
struct Card {
    capture_before: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: StripeError,
}

#[derive(Debug, Default, Deserialize)]
struct StripeError {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    payment_intent: Option<PaymentIntent>,
}

/// An answer that is neither a payment nor a decline. Only codes: the gateway's texts can hold personal data.
#[derive(Debug, thiserror::Error)]
#[error("the gateway answered {status} ({kind}, {code})")]
struct Refused {
    status: StatusCode,
    kind: String,
    code: String,
}

impl StripeGateway {
    /// The gateway that the environment names.
    ///
    /// # Errors
    /// When a variable is missing or no HTTP client can be built.
    pub fn from_environment(secrets: SecretsManager) -> Result<Self, GatewaySetupError> {
        // Another part of the process may have chosen the same provider already; then there is nothing to do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(CALL_TIMEOUT).connect_timeout(Duration::from_secs(2)).build();
        Ok(Self {
            http: http.map_err(GatewaySetupError::Http)?,
            key: Secret::new(secrets, settings::text(variable::PAYMENT_SECRET_ARN)?, "the payment gateway's key"),
            url: settings::text(variable::PAYMENT_GATEWAY_URL)?,
        })
    }
}

impl StripeGateway {
    async fn post(
        &self,
        path: &str,
        idempotency_key: String,
        form: &[(&str, String)],
        what: &str,
    ) -> Result<(StatusCode, Vec<u8>), Failure> {
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .bearer_auth(self.key.value().await?)
            .header("Idempotency-Key", idempotency_key)
            .form(form);
        self.send(request, what).await
    }

    async fn get(&self, path: &str, query: &[(&str, String)], what: &str) -> Result<(StatusCode, Vec<u8>), Failure> {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(self.key.value().await?).query(query);
        self.send(request, what).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, what: &str) -> Result<(StatusCode, Vec<u8>), Failure> {
        let transient = |error: reqwest::Error| Failure::transient(what, error.without_url());
        let response = request.send().await.map_err(transient)?;
        let status = response.status();
        let body = response.bytes().await.map_err(transient)?;
        if status == StatusCode::UNAUTHORIZED {
            // The key may have been rotated: read it again next time.
            self.key.forget().await;
        }
        Ok((status, body.to_vec()))
    }
}

impl Gateway for StripeGateway {
    async fn authorise(&self, order: &Order, attempt: u32) -> Result<GatewayAnswer, Failure> {
        let what = format!("the payment of order {} could not be authorised", order.order_id);
        let form = [
            ("amount", order.total.amount.to_string()),
            ("currency", order.total.currency.to_string().to_lowercase()),
            ("payment_method", order.payment_method.as_str().to_owned()),
            ("payment_method_types[]", "card".to_owned()),
            ("capture_method", "manual".to_owned()),
            ("confirm", "true".to_owned()),
            // Nobody sits at the pipeline who could pass a 3-D Secure challenge: asked for one, the payment fails.
            ("error_on_requires_action", "true".to_owned()),
            ("metadata[orderId]", order.order_id.to_string()),
            ("expand[]", "latest_charge".to_owned()),
        ];
        let key = match attempt {
            1 => format!("{}:authorise", order.order_id),
            later => format!("{}:authorise:{later}", order.order_id),
        };
        let (status, body) = self.post("/v1/payment_intents", key, &form, &what).await?;
        authorisation(status, &body, attempt, &what)
    }

    async fn find(&self, order: &Order) -> Result<Found, Failure> {
        let what = format!("what is held for order {} could not be found out", order.order_id);
        let query = [
            // An order's id holds no sign that could end the text.
            ("query", format!("metadata['orderId']:'{}'", order.order_id)),
            ("limit", "100".to_owned()),
            ("expand[]", "data.latest_charge".to_owned()),
        ];
        let (status, body) = self.get("/v1/payment_intents/search", &query, &what).await?;
        if !status.is_success() {
            return Err(refusal(status, &body, &what));
        }
        let found: SearchResult = serde_json::from_slice(&body).map_err(|error| Failure::transient(what, error))?;
        Ok(found_in(found.data))
    }

    async fn inspect(&self, order: &Order) -> Result<Inspection, Failure> {
        let what = format!("the payment of order {} could not be looked at", order.order_id);
        let path = format!("/v1/payment_intents/{}", held(order)?.payment_intent);
        let (status, body) = self.get(&path, &[("expand[]", "latest_charge".to_owned())], &what).await?;
        if !status.is_success() {
            return Err(refusal(status, &body, &what));
        }
        let intent: PaymentIntent = serde_json::from_slice(&body).map_err(|error| Failure::transient(&what, error))?;
        match (intent.status.as_str(), intent.latest_charge) {
            ("requires_capture", _) => Ok(Inspection::Held),
            ("canceled", _) => Ok(Inspection::Lapsed),
            ("succeeded", Some(Charge::Expanded { amount_refunded, .. })) => {
                Ok(Inspection::Captured { refunded: amount_refunded })
            }
            (state, _) => Err(unexpected(state, &what)),
        }
    }

    async fn capture(&self, order: &Order, attempt: u32) -> Result<CaptureAnswer, Failure> {
        let what = format!("the payment of order {} could not be captured", order.order_id);
        let held = held(order)?;
        let path = format!("/v1/payment_intents/{}/capture", held.payment_intent);
        let key = format!("{}:capture:{}:{attempt}", order.order_id, held.payment_intent);
        let form = [("amount_to_capture", order.total.amount.to_string())];
        let (status, body) = self.post(&path, key, &form, &what).await?;
        match intent_after(status, &body, &what)?.as_str() {
            "succeeded" => Ok(CaptureAnswer::Captured),
            // The network gives a hold up after some days, and the gateway cancels the payment then.
            "canceled" => Ok(CaptureAnswer::Lapsed),
            state => Err(unexpected(state, &what)),
        }
    }

    async fn void(&self, order: &Order, attempt: u32) -> Result<VoidAnswer, Failure> {
        self.cancel(order, &held(order)?.payment_intent, attempt).await
    }

    async fn give_up(&self, order: &Order, payment_intent: &str) -> Result<(), Failure> {
        self.cancel(order, payment_intent, 0).await.map(drop)
    }

    async fn refund(&self, order: &Order, amount: u64, attempt: u32) -> Result<(), Failure> {
        let what = format!("order {} could not be refunded", order.order_id);
        let held = held(order)?;
        // What was given back before names the refund: the next one is another.
        let key = format!("{}:refund:{}:{attempt}", order.order_id, order.refunded);
        let form = [("payment_intent", held.payment_intent.clone()), ("amount", amount.to_string())];
        let (status, body) = self.post("/v1/refunds", key, &form, &what).await?;
        if status.is_success() { Ok(()) } else { Err(refusal(status, &body, &what)) }
    }
}

impl StripeGateway {
    async fn cancel(&self, order: &Order, payment_intent: &str, attempt: u32) -> Result<VoidAnswer, Failure> {
        let what = format!("the payment of order {} could not be voided", order.order_id);
        let path = format!("/v1/payment_intents/{payment_intent}/cancel");
        let key = format!("{}:void:{payment_intent}:{attempt}", order.order_id);
        let form = [("cancellation_reason", "requested_by_customer".to_owned())];
        let (status, body) = self.post(&path, key, &form, &what).await?;
        match intent_after(status, &body, &what)?.as_str() {
            "canceled" => Ok(VoidAnswer::Voided),
            "succeeded" => Ok(VoidAnswer::AlreadyCaptured),
            state => Err(unexpected(state, &what)),
        }
    }
}

/// What is held, of an order's payments.
fn found_in(mut intents: Vec<PaymentIntent>) -> Found {
    intents.retain(|intent| intent.status == "requires_capture");
    intents.sort_by_key(|intent| intent.created);
    let mut intents = intents.into_iter();
    match intents.next() {
        None => Found::Nothing,
        Some(oldest) => Found::Held {
            authorisation: authorisation_of(oldest, 1),
            surplus: intents.map(|intent| intent.id).collect(),
        },
    }
}

fn authorisation_of(intent: PaymentIntent, attempt: u32) -> Authorisation {
    let card = match intent.latest_charge {
        Some(Charge::Expanded { payment_method_details: Some(details), .. }) => details.card,
        _ => None,
    };
    let capture_before =
        card.and_then(|card| card.capture_before).and_then(|seconds| Timestamp::from_unix_seconds(seconds).ok());
    Authorisation { payment_intent: intent.id, attempt, capture_before }
}

fn held(order: &Order) -> Result<&Authorisation, Failure> {
    order.authorisation.as_ref().ok_or_else(|| Failure::Permanent {
        what: format!("order {} has no authorisation", order.order_id),
        reason: DeadLetterReason::IllegalCommand,
        cause: None,
    })
}

/// The payment's state after an operation, also where it was in that state before: the gateway then answers with an
/// error that names the state.
fn intent_after(status: StatusCode, body: &[u8], what: &str) -> Result<String, Failure> {
    if status.is_success() {
        let intent: PaymentIntent = serde_json::from_slice(body).map_err(|error| Failure::transient(what, error))?;
        return Ok(intent.status);
    }
    let error = serde_json::from_slice::<ErrorBody>(body).map(|body| body.error).unwrap_or_default();
    match error.payment_intent {
        Some(intent) if error.code.as_deref() == Some("payment_intent_unexpected_state") => Ok(intent.status),
        _ => Err(refusal(status, body, what)),
    }
}

fn unexpected(state: &str, what: &str) -> Failure {
    Failure::Permanent { what: format!("{what}: it is {state}"), reason: DeadLetterReason::RequestRefused, cause: None }
}

/// What the gateway's answer to an authorisation means.
fn authorisation(status: StatusCode, body: &[u8], attempt: u32, what: &str) -> Result<GatewayAnswer, Failure> {
    if status.is_success() {
        let intent: PaymentIntent = serde_json::from_slice(body).map_err(|error| Failure::transient(what, error))?;
        match intent.status.as_str() {
            "requires_capture" => {}
            "requires_payment_method" | "requires_action" | "canceled" => {
                return Ok(GatewayAnswer::Declined(intent.status));
            }
            state => return Err(Failure::transient_because(format!("{what}: the payment is still {state}"))),
        }
        return Ok(GatewayAnswer::Authorised(authorisation_of(intent, attempt)));
    }
    let error = serde_json::from_slice::<ErrorBody>(body).map(|body| body.error).unwrap_or_default();
    if status == StatusCode::PAYMENT_REQUIRED && error.kind.as_deref() == Some("card_error") {
        let code = error.decline_code.or(error.code).unwrap_or_else(|| "unknown".to_owned());
        return Ok(GatewayAnswer::Declined(code));
    }
    // The gateway will never take this payment as the order has it: an unknown means of payment, an amount that no card
    // takes, a currency that the account does not have. The order must end and its stock be free, so it is declined.
    if status == StatusCode::BAD_REQUEST && error.kind.as_deref() == Some("invalid_request_error") {
        let code = error.code.unwrap_or_else(|| "invalid_request".to_owned());
        tracing::error!(code, "{what}: the gateway refuses the request itself");
        return Ok(GatewayAnswer::Declined(code));
    }
    Err(refusal(status, body, what))
}

/// The class of the gateway's refusal, decided here and nowhere else.
fn refusal(status: StatusCode, body: &[u8], what: &str) -> Failure {
    let error = serde_json::from_slice::<ErrorBody>(body).map(|body| body.error).unwrap_or_default();
    let refused = Refused {
        status,
        kind: error.kind.unwrap_or_else(|| "no type".to_owned()),
        code: error.code.unwrap_or_else(|| "no code".to_owned()),
    };
    match status {
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::PAYMENT_REQUIRED => {
            Failure::permanent(DeadLetterReason::RequestRefused, what, refused)
        }
        _ => Failure::transient(what, refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classed(status: u16, body: &str) -> Result<GatewayAnswer, Failure> {
        authorisation(StatusCode::from_u16(status).unwrap(), body.as_bytes(), 1, "the payment")
    }

    #[test]
    fn a_held_amount_is_an_authorisation_with_its_last_day() {
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
    fn what_may_pass_is_transient_and_what_cannot_is_permanent() {
        for status in [401, 403, 409, 429, 500, 503] {
            assert!(matches!(classed(status, "{}"), Err(Failure::Transient { .. })), "{status}");
        }
        assert!(matches!(classed(200, "<html>"), Err(Failure::Transient { .. })));
        assert!(matches!(classed(200, r#"{"id":"pi_1","status":"processing"}"#), Err(Failure::Transient { .. })));
        let body = r#"{"error":{"type":"idempotency_error"}}"#;
        assert!(matches!(classed(400, body), Err(Failure::Permanent { .. })));
    }
}
