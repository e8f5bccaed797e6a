//! The payment gateway's simulator over HTTP: what only the wire can show.

use std::time::Duration;

use deployed::client::http_client;
use payment_simulator::Faults;
use payment_simulator::server::GatewaySimulator;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

const KEY: &str = "sk_test_simulated";

struct Gateway {
    simulator: GatewaySimulator,
    http: Client,
}

impl Gateway {
    async fn start() -> Self {
        let http = http_client(Duration::from_secs(5)).unwrap();
        Self { simulator: GatewaySimulator::start(KEY).await.unwrap(), http }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.url())
    }

    fn payment(&self, idempotency_key: &str) -> RequestBuilder {
        self.http
            .post(self.url("/v1/payment_intents"))
            .bearer_auth(KEY)
            .header("Idempotency-Key", idempotency_key)
            .form(&[
                ("amount", "1999"),
                ("currency", "gbp"),
                ("payment_method", "pm_card_visa"),
                ("payment_method_types[]", "card"),
                ("capture_method", "manual"),
                ("confirm", "true"),
                ("error_on_requires_action", "true"),
                ("metadata[order_id]", "ord-1"),
            ])
    }

    fn charges(&self) -> usize {
        self.simulator.ledger().orders.get("ord-1").map_or(0, |order| order.charges)
    }
}

async fn json_of(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_payment_is_authorised_captured_and_refunded() {
    let gateway = Gateway::start().await;
    let intent = json_of(gateway.payment("k-1").send().await.unwrap()).await;
    assert_eq!(intent["status"], "requires_capture");
    let id = intent["id"].as_str().unwrap();

    let path = gateway.url(&format!("/v1/payment_intents/{id}"));
    let expanded = gateway.http.get(format!("{path}?expand[]=latest_charge")).basic_auth(KEY, None::<&str>);
    let expanded = json_of(expanded.send().await.unwrap()).await;
    assert!(expanded["latest_charge"]["payment_method_details"]["card"]["capture_before"].is_i64());

    // A capture in full has no parameters, and so no body.
    let captured = gateway.http.post(format!("{path}/capture")).bearer_auth(KEY).send().await.unwrap();
    assert_eq!(json_of(captured).await["status"], "succeeded");

    let refund = gateway.http.post(gateway.url("/v1/refunds")).bearer_auth(KEY).form(&[("payment_intent", id)]);
    assert_eq!(json_of(refund.send().await.unwrap()).await["amount"], 1999);

    let ledger = gateway.http.get(gateway.url("/_simulator/ledger")).send().await.unwrap();
    let gbp = json!({ "authorised": 1999, "held": 0, "captured": 1999, "refunded": 1999, "voided": 0 });
    assert_eq!(json_of(ledger).await["totals"]["gbp"], gbp);
}

#[tokio::test]
async fn a_missing_and_a_wrong_api_key_are_401_in_stripes_error_shape() {
    let gateway = Gateway::start().await;
    let url = gateway.url("/v1/payment_intents");
    let none = gateway.http.post(&url).send().await.unwrap();
    let wrong = gateway.http.post(&url).bearer_auth("sk_test_other").send().await.unwrap();
    for response in [none, wrong] {
        assert_eq!(response.status(), 401);
        assert_eq!(json_of(response).await["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn a_replay_is_marked_and_charges_nothing() {
    let gateway = Gateway::start().await;
    let first = gateway.payment("k-1").send().await.unwrap();
    assert!(!first.headers().contains_key("Idempotent-Replayed"));
    let second = gateway.payment("k-1").send().await.unwrap();
    assert_eq!(second.headers()["Idempotent-Replayed"], "true");
    assert_eq!(json_of(first).await, json_of(second).await);
    assert_eq!(gateway.charges(), 1);
}

#[tokio::test]
async fn a_charge_whose_answer_was_lost_is_found_again_by_its_key() {
    let gateway = Gateway::start().await;
    let faults = json!({ "charged_but_no_answer": true, "remaining": 1 });
    let set = gateway.http.post(gateway.url("/_simulator/faults")).json(&faults).send().await.unwrap();
    assert_eq!(set.status(), 204);
    let lost = gateway.payment("k-1").send().await;
    assert!(lost.is_err(), "the connection was to be closed without an answer: {lost:?}");
    assert_eq!(gateway.charges(), 1);
    let again = gateway.payment("k-1").send().await.unwrap();
    assert_eq!((again.status().as_u16(), gateway.charges()), (200, 1));
}

#[tokio::test]
async fn a_caller_that_times_out_is_still_charged_once() {
    let gateway = Gateway::start().await;
    gateway.simulator.set_faults(Faults { latency_ms: 2_000, remaining: Some(1), ..Faults::default() });
    let impatient = gateway.payment("k-1").timeout(Duration::from_millis(500)).send().await;
    assert!(impatient.unwrap_err().is_timeout());

    // Until the first request has ended its key is taken; then the key has its result.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let mut refused = 0;
    let answer = loop {
        let response = gateway.payment("k-1").send().await.unwrap();
        if response.status() != 409 {
            break response;
        }
        refused += 1;
        assert!(tokio::time::Instant::now() < deadline, "still 409 after {refused} retries");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(refused > 0, "the retry was to meet the running request");
    assert_eq!(answer.headers()["Idempotent-Replayed"], "true");
    assert_eq!((answer.status().as_u16(), gateway.charges()), (200, 1));
}

#[tokio::test]
async fn an_unknown_route_and_a_body_that_is_not_a_form_are_refused_in_stripes_shape() {
    let gateway = Gateway::start().await;
    let route = gateway.http.get(gateway.url("/v1/customers")).bearer_auth(KEY).send().await.unwrap();
    assert_eq!(route.status(), 404);
    assert_eq!(json_of(route).await["error"]["type"], "invalid_request_error");
    let body = gateway.http.post(gateway.url("/v1/refunds")).bearer_auth(KEY).json(&json!({})).send().await.unwrap();
    assert_eq!(body.status(), 400);
    assert_eq!(json_of(body).await["error"]["type"], "invalid_request_error");
}

#[tokio::test]
async fn a_stopped_simulator_answers_no_more() {
    let gateway = Gateway::start().await;
    let url = gateway.url("/_simulator/health");
    assert_eq!(gateway.http.get(&url).send().await.unwrap().status(), 204);
    gateway.simulator.stop().await.unwrap();
    assert!(gateway.http.get(&url).send().await.unwrap_err().is_connect());
}
