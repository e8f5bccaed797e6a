//! Webhooks of the payment gateway, and forged ones.

use std::time::Duration;

use order_contract::metric;
use order_domain::order::OrderStatus;
use order_handlers::adapters::stripe::webhook::TOLERANCE;
use serde_json::Value;

use crate::aged::Aged;
use crate::gateway::{authorise_for, post_webhook, signed, webhook_about_a_payment};
use crate::order::{id, order_of, unique};
use crate::shop::Shop;
use crate::wait::until;

super::cases![
    a_webhook_without_a_signature_is_refused_at_the_edge,
    a_webhook_that_the_gateway_did_not_sign_changes_nothing_and_is_counted,
    a_webhook_signed_by_somebody_else_recovers_no_order,
    a_genuine_webhook_that_is_replayed_later_recovers_no_order,
    a_webhook_of_the_gateway_recovers_its_order,
];

async fn a_webhook_without_a_signature_is_refused_at_the_edge(shop: &Shop) {
    assert_eq!(post_webhook(shop, None, "{}").await.status, 400);
}

async fn a_webhook_that_the_gateway_did_not_sign_changes_nothing_and_is_counted(shop: &Shop) {
    let marker = unique("evt-forged-");
    let body = format!(r#"{{"id":"{marker}","type":"payment_intent.canceled","data":{{"object":{{"id":"pi_1"}}}}}}"#);
    assert_eq!(post_webhook(shop, Some("t=1,v1=00"), &body).await.status, 202);
    let look = async || shop.log_of("reconcile-function").await;
    let counted = |lines: &Vec<Value>| lines.iter().any(|line| line[metric::WEBHOOKS_REFUSED].as_u64() >= Some(1));
    until("the refused webhook among the metrics", look, counted).await;
    assert!(!shop.has_dead_letter("reconcile-dlq", &marker).await);
}

async fn a_webhook_signed_by_somebody_else_recovers_no_order(shop: &Shop) {
    let secret = "whsec_of_somebody_else";
    is_refused_although_well_formed(
        shop,
        |body| signed(secret, Duration::ZERO, body),
        "no signature of the webhook fits",
    )
    .await;
}

async fn a_genuine_webhook_that_is_replayed_later_recovers_no_order(shop: &Shop) {
    let too_long_ago = TOLERANCE + Duration::from_secs(60);
    let signed_then = |body: &str| signed(&shop.gateway.webhook_secret, too_long_ago, body);
    is_refused_although_well_formed(shop, signed_then, "away from its receipt").await;
}

/// A webhook with a well-formed but wrong signature changes nothing; the same body with the gateway's own signature recovers
/// the order.
async fn is_refused_although_well_formed(shop: &Shop, signature: impl Fn(&str) -> String, reason: &str) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    // Nobody forwarded it, and it is too young for a sweep: only a webhook can recover it.
    Aged::validated(shop, &order, Duration::ZERO).await;
    let body = webhook_about_a_payment(&unique("evt_"), &order);
    let posted = post_webhook(shop, Some(&signature(&body)), &body).await;
    assert_eq!(posted.status, 202, "{posted:?}");
    let look = async || {
        let lines = shop.log_of("reconcile-function").await.into_iter().map(|line| line.to_string());
        lines.filter(|line| line.contains(&posted.receipt)).collect::<Vec<_>>()
    };
    let refusal = |line: &String| line.contains("is not the gateway's") && line.contains(reason);
    until("the refusal in the log", look, |lines| lines.iter().any(refusal)).await;
    let untouched = shop.api.order(id(&order)).await.unwrap().found().unwrap();
    assert_eq!((untouched.status, untouched.version), (OrderStatus::Validated, 1));
    assert!(!shop.has_dead_letter("reconcile-dlq", id(&order)).await);

    let genuine = signed(&shop.gateway.webhook_secret, Duration::ZERO, &body);
    post_webhook(shop, Some(&genuine), &body).await;
    assert_eq!(shop.settled(&order).await.status, OrderStatus::Confirmed);
}

async fn a_webhook_of_the_gateway_recovers_its_order(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    // Nobody forwarded it, and it is too young for a sweep: only the webhook can recover it.
    Aged::validated(shop, &order, Duration::ZERO).await;
    authorise_for(shop, &order).await;
    assert_eq!(shop.settled(&order).await.status, OrderStatus::Confirmed);
}
