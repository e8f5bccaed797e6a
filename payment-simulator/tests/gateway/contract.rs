//! The contract with Stripe: what the pipeline asks is valid by Stripe's OpenAPI document, Stripe's answers can be read,
//! and the simulator answers what that document says and nothing else.

use std::time::{Duration, Instant};

use deployed::client::http_client;
use order_handlers::adapters::stripe::StripeGateway;
use order_handlers::failure::Failure;
use order_handlers::ports::{CaptureAnswer, Found, Gateway, GatewayAnswer};
use payment_simulator::server::GatewaySimulator;
use payment_simulator::{Faults, WebhookSettings};
use serde_json::Value;

use super::order::{order, with};
use super::recorder::{Exchange, Recorder};
use super::schema::{answer_problems, problems};
use super::stripe_mock::{StripeMock, specification};

const KEY: &str = "sk_test_contract";

/// Everything that the pipeline ever asks of the gateway, with the simulator's answers; then the webhooks that it sent.
async fn everything(http: &reqwest::Client) -> (Vec<Exchange>, Vec<Value>) {
    let simulator = GatewaySimulator::start(KEY).await.unwrap();
    simulator.set_search_staleness(0);
    let recorder = Recorder::start(simulator.url(), http.clone()).await;
    // The webhooks go to the recorder too: whatever is behind it does not know the path, and its answer does not count.
    let webhooks = WebhookSettings { attempts: 1, ..WebhookSettings::new(format!("{}/told", recorder.url), "whsec_1") };
    simulator.set_webhooks(Some(webhooks));
    let gateway = StripeGateway::at(&recorder.url, KEY, "dev").unwrap();
    let once = |faults: Faults| simulator.set_faults(Faults { remaining: Some(1), ..faults });
    let held_from = async |id: &str, card: &str, attempt| {
        let order = order(id, card);
        let GatewayAnswer::Authorised(authorisation) = gateway.authorise(&order, attempt).await.unwrap() else {
            panic!("{id} was declined")
        };
        with(&order, &authorisation)
    };

    let held = async |id: &str, attempt| held_from(id, "pm_card_visa", attempt).await;

    let taken = held("ord-1", 1).await;
    let surplus = held("ord-1", 2).await;
    gateway.find(&taken).await.unwrap();
    gateway.cancel_payment(&taken, &surplus.authorisation.unwrap().payment_intent).await.unwrap();
    assert_eq!(gateway.capture(&taken).await.unwrap(), CaptureAnswer::Captured);
    once(Faults { error_status: Some(500), ..Faults::default() });
    assert!(gateway.refund(&taken, 999).await.is_err());
    gateway.refund(&taken, 999).await.unwrap();
    assert!(gateway.refund(&taken, 99_999).await.is_err());
    for method in ["pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_card_none"] {
        let answer = gateway.authorise(&order(&format!("ord-{method}").replace('_', "-"), method), 1).await.unwrap();
        assert!(matches!(answer, GatewayAnswer::Declined(_)), "{answer:?}");
    }
    let sent_back = held_from("ord-3", "pm_card_refundFail", 1).await;
    assert_eq!(gateway.capture(&sent_back).await.unwrap(), CaptureAnswer::Captured);
    gateway.refund(&sent_back, 999).await.unwrap();
    let expired = held("ord-2", 1).await;
    simulator.advance_clock(Duration::from_secs(8 * 24 * 60 * 60));
    assert_eq!(gateway.capture(&expired).await.unwrap(), CaptureAnswer::Expired);
    gateway.cancel(&expired).await.unwrap();

    let deadline = Instant::now() + Duration::from_secs(10);
    while simulator.webhooks().pending > 0 {
        assert!(Instant::now() < deadline, "{:?}", simulator.webhooks());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (told, asked): (Vec<_>, Vec<_>) =
        recorder.exchanges().into_iter().partition(|exchange| exchange.target == "/told");
    (asked, told.iter().map(|exchange| serde_json::from_slice(&exchange.body).unwrap()).collect())
}

/// The path as the OpenAPI document writes it.
fn template(target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    path.split('/').map(|part| if part.starts_with("pi_") { "{intent}" } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn what_is_asked_is_valid_and_what_the_simulator_answers_is_stripes() {
    let Some(mock) = StripeMock::start().await else { return };
    let Some(specification) = specification().await else { return };
    let http = http_client(Duration::from_secs(30)).unwrap();
    let (asked, told) = everything(&http).await;

    let mut templates: Vec<String> = Vec::new();
    let mut wrong: Vec<String> = Vec::new();
    for exchange in &asked {
        let Exchange { method, target, body, status, answer } = exchange;
        let request = http.request(method.clone(), format!("{}{target}", mock.url)).bearer_auth("sk_test_123");
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body.clone());
        let response = request.send().await.unwrap();
        let (accepted, text) = (response.status(), response.text().await.unwrap());
        if !accepted.is_success() {
            wrong.push(format!("Stripe refuses {method} {target} {}: {text}", String::from_utf8_lossy(body)));
        }
        let template = template(target);
        wrong.extend(answer_problems(&specification, &template, &method.as_str().to_lowercase(), *status, answer));
        templates.push(format!("{method} {template} {status}"));
    }
    for event in &told {
        wrong.extend(problems(&specification, "event", event));
        let object = &event["data"]["object"];
        wrong.extend(problems(&specification, object["object"].as_str().unwrap(), object));
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The test is worth nothing if what it is about was not there.
    templates.sort();
    templates.dedup();
    assert_eq!(
        templates,
        [
            "GET /v1/payment_intents/search 200",
            "GET /v1/payment_intents/{intent} 200",
            "POST /v1/payment_intents 200",
            "POST /v1/payment_intents 400",
            "POST /v1/payment_intents 402",
            "POST /v1/payment_intents/{intent}/cancel 200",
            "POST /v1/payment_intents/{intent}/cancel 400",
            "POST /v1/payment_intents/{intent}/capture 200",
            "POST /v1/payment_intents/{intent}/capture 400",
            "POST /v1/refunds 200",
            "POST /v1/refunds 400",
            "POST /v1/refunds 500",
        ]
    );
    let mut types: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    types.sort_unstable();
    types.dedup();
    let all =
        ["amount_capturable_updated", "canceled", "payment_failed", "succeeded"].map(|n| format!("payment_intent.{n}"));
    let [refunded, failed] = ["charge.refunded", "refund.failed"].map(str::to_owned);
    assert_eq!(types, [&[refunded][..], &all, &[failed]].concat());
}

/// The mock keeps no state: whatever is done to a payment, it shows one that waits for a card. That the adapter says so
/// shows that it was answered with 2xx and could read the answer.
#[tokio::test]
async fn stripes_own_answers_can_be_read() {
    let Some(mock) = StripeMock::start().await else { return };
    let gateway = StripeGateway::at(&mock.url, KEY, "dev").unwrap();
    let order = order("ord-1", "pm_card_visa");
    let answer = gateway.authorise(&order, 2).await.unwrap();
    assert_eq!(answer, GatewayAnswer::Declined("requires_payment_method".into()));
    assert_eq!(gateway.find(&order).await.unwrap(), Found::Nothing);
    let authorisation = serde_json::from_value(serde_json::json!({ "paymentIntent": "pi_1" })).unwrap();
    let held = with(&order, &authorisation);
    for result in [gateway.capture(&held).await.map(|_| ()), gateway.cancel(&held).await.map(|_| ())] {
        let Err(Failure::Permanent { what, cause: None, .. }) = result else { panic!("{result:?}") };
        assert!(what.ends_with("it is requires_payment_method"), "{what}");
    }
    gateway.refund(&held, 5).await.unwrap();
}
