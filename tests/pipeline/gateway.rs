//! The payment gateway, seen from outside: its books, its webhooks and its faults.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use payment_simulator::server::LoggedRequest;
use payment_simulator::{
    Faults, LedgerSummary, OrderPayments, WebhookFaults, WebhookSettings, WebhookSummary, signature_header,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::order::id;
use crate::shop::{PRICE, Shop};

/// The API's answer to a webhook.
#[derive(Debug)]
pub struct Posted {
    pub status: u16,
    /// The queue's id of the message, where it was stored.
    pub receipt: String,
}

/// Sends a webhook as the gateway does, or somebody else.
pub async fn post_webhook(shop: &Shop, signature: Option<&str>, body: &str) -> Posted {
    let request = shop.http.post(format!("{}/webhooks/payment", shop.connection.api_url));
    let request = request.header("Content-Type", "application/json").body(body.to_owned());
    let request = match signature {
        Some(signature) => request.header("Stripe-Signature", signature),
        None => request,
    };
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let document: Value = answer.json().await.unwrap_or_default();
    Posted { status, receipt: document["receipt"].as_str().unwrap_or_default().to_owned() }
}

/// The body of a webhook about the payment for an order: a reason to check the order. It reports no authorisation, which
/// would have to be voided where the order does not know it.
pub fn webhook_about_a_payment(event: &str, order: &Value) -> String {
    let payment = json!({ "id": "pi_reported", "object": "payment_intent", "metadata": { "orderId": id(order) } });
    json!({
        "id": event,
        "object": "event",
        "type": "payment_intent.created",
        "data": { "object": payment },
    })
    .to_string()
}

/// The signature of a body by a secret, that long ago.
pub fn signed(secret: &str, ago: Duration, body: &str) -> String {
    let then = (SystemTime::now() - ago).duration_since(UNIX_EPOCH).unwrap().as_secs();
    signature_header(&[secret.to_owned()], i64::try_from(then).unwrap(), body)
}

/// Authorises money for an order on a good card; the payment's id.
pub async fn authorise_for(shop: &Shop, order: &Value) -> String {
    let price = PRICE.to_string();
    let form = [
        ("amount", price.as_str()),
        ("currency", "gbp"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("metadata[orderId]", id(order)),
    ];
    let request = shop.http.post(format!("{}/v1/payment_intents", shop.gateway.url));
    let answer = request.bearer_auth(&shop.gateway.api_key).form(&form).send().await.unwrap();
    let payment: Value = answer.error_for_status().unwrap().json().await.unwrap();
    payment["id"].as_str().unwrap().to_owned()
}

/// The books of one order.
pub async fn payments_of(shop: &Shop, order: &Value) -> OrderPayments {
    let mut ledger: LedgerSummary = ask(shop, Method::GET, "ledger", &Value::Null).await;
    ledger.orders.remove(id(order)).unwrap_or_default()
}

/// All requests to the gateway.
pub async fn requests(shop: &Shop) -> Vec<LoggedRequest> {
    ask(shop, Method::GET, "requests", &Value::Null).await
}

/// The counts of webhooks.
pub async fn webhooks(shop: &Shop) -> WebhookSummary {
    ask(shop, Method::GET, "webhooks", &Value::Null).await
}

/// Sets the faults of webhooks.
pub async fn set_webhook_faults(shop: &Shop, faults: WebhookFaults) {
    let url = format!("{}/webhooks/payment", shop.connection.api_url);
    let settings = WebhookSettings { faults, ..WebhookSettings::new(url, shop.gateway.webhook_secret.clone()) };
    let () = ask(shop, Method::PUT, "webhooks", &settings).await;
}

/// Sets the faults of requests.
pub async fn set_faults(shop: &Shop, faults: &Faults) {
    let () = ask(shop, Method::POST, "faults", faults).await;
}

/// Moves the gateway's clock: older authorisations expire.
pub async fn advance_clock(shop: &Shop, seconds: u64) {
    let _: Value = ask(shop, Method::POST, "clock/advance", &json!({ "seconds": seconds })).await;
}

async fn ask<T: serde::de::DeserializeOwned>(
    shop: &Shop,
    method: Method,
    path: &str,
    input: &impl serde::Serialize,
) -> T {
    let request = shop.http.request(method, format!("{}/_simulator/{path}", shop.gateway.url)).json(input);
    let answer = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
    serde_json::from_str(if answer.is_empty() { "null" } else { &answer }).unwrap()
}
