//! The payments for an order at the gateway: a search by the label of every authorisation. It is the only way to learn the
//! result of a request whose saved answer is a server error, because the gateway repeats that answer for its key. The search
//! can be behind: a payment that it does not show yet is waited for, and one that it shows as authorised is read again.

use order_domain::order::Order;
use serde::Deserialize;

use super::objects::{ENVIRONMENT_LABEL, ORDER_LABEL, PaymentIntent};
use super::refusal::refusal;
use super::transport::Reply;
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::Found;

/// The endpoint (docs.stripe.com/api/payment_intents/search).
pub const PATH: &str = "/v1/payment_intents/search";

/// The largest page.
const LIMIT: u32 = 100;

#[derive(Debug, Deserialize)]
struct SearchResult {
    data: Vec<PaymentIntent>,
    has_more: bool,
}

/// The query for an order's payments. An order's id has no sign that would have to be escaped.
pub fn query(order: &Order) -> [(&'static str, String); 3] {
    [
        ("query", format!("metadata['{ORDER_LABEL}']:'{}'", order.order_id)),
        ("limit", LIMIT.to_string()),
        ("expand[]", "data.latest_charge".to_owned()),
    ]
}

/// The order's payments among those that were found, as the search shows them.
pub fn payments(reply: &Reply, order: &Order, environment: &str, what: &str) -> Result<Vec<PaymentIntent>, Failure> {
    if !reply.status.is_success() {
        return Err(refusal(reply, what));
    }
    let result: SearchResult = serde_json::from_slice(&reply.body).map_err(|error| Failure::transient(what, error))?;
    if result.has_more {
        return Err(Failure::Permanent {
            what: format!("{what}: there are more than {LIMIT}"),
            reason: DeadLetterReason::RequestRefused,
            cause: None,
        });
    }
    Ok(result.data.into_iter().filter(|intent| is_of(intent, order, environment)).collect())
}

/// The result of an order's payments together.
pub fn meaning(payments: Vec<PaymentIntent>, what: &str) -> Result<Found, Failure> {
    let (mut held, mut captured) = (Vec::new(), Vec::new());
    for intent in payments {
        match intent.status.as_str() {
            "requires_capture" => held.push(intent),
            "succeeded" => captured.push(intent),
            "canceled" | "requires_payment_method" | "requires_action" | "requires_confirmation" => {}
            state => return Err(Failure::transient_because(format!("{what}: {} is still {state}", intent.id))),
        }
    }
    // The first that was made is the order's; what came after it is too much.
    for payments in [&mut held, &mut captured] {
        payments.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
    }
    let ids = |payments: Vec<PaymentIntent>| payments.into_iter().map(|intent| intent.id).collect();
    if let Some(first) = captured.into_iter().next() {
        let attempt = first.attempt();
        return Ok(Found::Captured { authorisation: first.into_authorisation(attempt), surplus: ids(held) });
    }
    let mut held = held.into_iter();
    let Some(first) = held.next() else { return Ok(Found::Nothing) };
    let attempt = first.attempt();
    Ok(Found::Authorised { authorisation: first.into_authorisation(attempt), surplus: ids(held.collect()) })
}

/// Whether a payment is this order's. The search ignores case, and an account that several systems share can hold a
/// payment of another one under the same label: only what we would have asked for is ours.
pub fn is_of(intent: &PaymentIntent, order: &Order, environment: &str) -> bool {
    let labelled = intent.metadata.get(ORDER_LABEL).is_some_and(|label| label == order.order_id.as_str());
    let elsewhere = intent.metadata.get(ENVIRONMENT_LABEL).is_none_or(|label| label != environment);
    let same_money =
        intent.amount == order.total.amount && intent.currency.eq_ignore_ascii_case(&order.total.currency.to_string());
    if labelled && !elsewhere && !same_money {
        tracing::warn!(order = %order.order_id, payment = intent.id, "a payment of this order is of another amount; it is left alone");
    }
    labelled && !elsewhere && same_money
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::{Value, json};

    use super::*;

    fn order() -> Order {
        let json = json!({
            "orderId": "ord-1", "customerId": "cus-1",
            "customer": { "name": "Ada", "email": "ada@example.com", "phone": "+447700900001" }, "notify": [],
            "shippingAddress": { "line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB" },
            "paymentMethod": "pm_a", "lines": [], "delivery": { "amount": 0, "currency": "GBP" }, "total": { "amount": 1999, "currency": "GBP" },
            "status": "RESERVED", "paymentStatus": "NONE", "shipmentStatus": "NONE", "version": 2,
            "fingerprint": "0".repeat(64),
            "createdAt": "2026-11-27T08:00:00.000Z", "updatedAt": "2026-11-27T08:00:00.000Z",
        });
        serde_json::from_value(json).unwrap()
    }

    fn payment(id: &str, status: &str, created: i64) -> Value {
        json!({
            "id": id, "status": status, "created": created, "amount": 1999, "currency": "gbp",
            "metadata": { "orderId": "ord-1", "environment": "dev" },
            "latest_charge": { "payment_method_details": { "card": { "capture_before": 1_764_000_000 } } },
        })
    }

    fn found(shown: &[Value]) -> Result<Found, Failure> {
        let body = json!({ "object": "search_result", "has_more": false, "data": shown }).to_string();
        let reply = Reply { status: StatusCode::OK, body: body.into_bytes(), replayed: false };
        meaning(payments(&reply, &order(), "dev", "the payments")?, "the payments")
    }

    fn names(found: &Found) -> (&str, Vec<&str>) {
        match found {
            Found::Authorised { authorisation, surplus } | Found::Captured { authorisation, surplus } => {
                (&authorisation.payment_intent, surplus.iter().map(String::as_str).collect())
            }
            Found::Nothing => ("", Vec::new()),
        }
    }

    #[test]
    fn the_oldest_authorisation_is_the_orders_and_the_others_are_surplus() {
        let payments = [("pi_c", 3), ("pi_a", 1), ("pi_b", 2)].map(|(id, at)| payment(id, "requires_capture", at));
        let found = found(&payments).unwrap();
        let Found::Authorised { authorisation, .. } = &found else { panic!("{found:?}") };
        assert!(authorisation.capture_before.is_some());
        assert_eq!(names(&found), ("pi_a", vec!["pi_b", "pi_c"]));
    }

    #[test]
    fn an_authorisation_has_the_number_of_its_attempt() {
        let mut payment = payment("pi_a", "requires_capture", 1);
        payment["metadata"]["attempt"] = json!("3");
        let Found::Authorised { authorisation, .. } = found(&[payment]).unwrap() else { panic!("not held") };
        assert_eq!(authorisation.attempt, 3);
    }

    #[test]
    fn a_failed_or_cancelled_payment_is_not_an_authorisation() {
        let payments = ["canceled", "requires_payment_method", "requires_action"].map(|s| payment("pi_a", s, 1));
        assert_eq!(found(&payments).unwrap(), Found::Nothing);
        assert_eq!(found(&[]).unwrap(), Found::Nothing);
    }

    #[test]
    fn captured_money_is_found_and_an_authorisation_beside_it_is_surplus() {
        let found = found(&[payment("pi_a", "requires_capture", 1), payment("pi_b", "succeeded", 2)]).unwrap();
        assert!(matches!(found, Found::Captured { .. }));
        assert_eq!(names(&found), ("pi_b", vec!["pi_a"]));
    }

    #[test]
    fn a_payment_of_another_order_or_amount_is_not_ours() {
        let mut other_case = payment("pi_a", "requires_capture", 1);
        other_case["metadata"]["orderId"] = json!("ord-1A");
        let mut other_amount = payment("pi_b", "requires_capture", 1);
        other_amount["amount"] = json!(1);
        let mut other_currency = payment("pi_c", "requires_capture", 1);
        other_currency["currency"] = json!("eur");
        let mut elsewhere = payment("pi_d", "requires_capture", 1);
        elsewhere["metadata"]["environment"] = json!("prod");
        assert_eq!(found(&[other_case, other_amount, other_currency, elsewhere]).unwrap(), Found::Nothing);
    }

    #[test]
    fn a_payment_that_is_still_processing_is_checked_later() {
        assert!(matches!(found(&[payment("pi_a", "processing", 1)]), Err(Failure::Transient { .. })));
        let reply = Reply { status: StatusCode::TOO_MANY_REQUESTS, body: Vec::new(), replayed: false };
        assert!(matches!(payments(&reply, &order(), "dev", "the payments"), Err(Failure::Waiting { .. })));
    }
}
