//! What the payment gateway tells of its own accord.

use std::time::Duration;

use order_domain::order::OrderStatus;
use order_domain::wiring::metric;
use serde_json::Value;

use super::reconcile::stranded;
use crate::order::{id, order_of, unique};
use crate::shop::Shop;
use crate::wait::until;

super::cases![
    a_webhook_without_a_signature_is_refused_at_the_edge,
    a_webhook_that_the_gateway_did_not_sign_changes_nothing_and_is_counted,
    a_webhook_of_the_gateway_brings_its_order_on,
];

async fn post(shop: &Shop, signature: Option<&str>, body: String) -> u16 {
    let request = reqwest::Client::new()
        .post(format!("{}/webhooks/payment", shop.connection.api_url))
        .header("Content-Type", "application/json")
        .body(body);
    let request = match signature {
        Some(signature) => request.header("Stripe-Signature", signature),
        None => request,
    };
    request.send().await.unwrap().status().as_u16()
}

async fn a_webhook_without_a_signature_is_refused_at_the_edge(shop: &Shop) {
    assert_eq!(post(shop, None, "{}".into()).await, 400);
}

async fn a_webhook_that_the_gateway_did_not_sign_changes_nothing_and_is_counted(shop: &Shop) {
    let marker = unique("evt-forged-");
    let body = format!(r#"{{"id":"{marker}","type":"payment_intent.canceled","data":{{"object":{{"id":"pi_1"}}}}}}"#);
    assert_eq!(post(shop, Some("t=1,v1=00"), body).await, 202);
    let look = async || shop.log_of("reconcile-function").await;
    let counted = |lines: &Vec<Value>| lines.iter().any(|line| line[metric::WEBHOOKS_REFUSED].as_u64() >= Some(1));
    until("the refused webhook among the metrics", look, counted).await;
    assert!(!shop.has_dead_letter("reconcile-dlq", &marker).await);
}

async fn a_webhook_of_the_gateway_brings_its_order_on(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    // Nobody forwarded it, and it is too young for a sweep: only the webhook can bring it on.
    stranded(shop, &order, Duration::ZERO).await;
    let held = [
        ("amount", "100"),
        ("currency", "gbp"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("metadata[orderId]", id(&order)),
    ];
    let made = reqwest::Client::new()
        .post(format!("{}/v1/payment_intents", shop.gateway.url))
        .bearer_auth(&shop.gateway.api_key)
        .form(&held)
        .send()
        .await
        .unwrap();
    assert!(made.status().is_success(), "{:?}", made.text().await);
    assert_eq!(shop.settled(&order).await.status, OrderStatus::Confirmed);
}
