//! Tests that change the payment gateway for every order, so that each runs alone.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::{join, join_all};
use order_domain::event::EventType;
use order_domain::order::{Authorisation, OrderStatus, PaymentStatus, RejectionReason, ShipmentStatus};
use order_domain::stock::StockLevel;
use order_handlers::ports::SEARCH_IS_CURRENT_AFTER;
use payment_simulator::{Faults, Totals, WebhookFaults};
use serde_json::{Value, json};

use crate::aged::Aged;
use crate::gateway::{
    advance_clock, authorise_for, payments_of, post_webhook, requests, set_faults, set_webhook_faults, signed,
    webhook_about_a_payment, webhooks,
};
use crate::order::{id, order_of, unique, with};
use crate::shop::{PRICE, Shop};
use crate::wait::until;

// The clock comes last: it ends the authorisations of every order of every test.
super::cases_alone![
    webhooks_that_race_the_payment_worker_on_many_orders_charge_each_once,
    webhooks_that_come_late_thrice_and_out_of_order_change_nothing,
    expired_authorisations_are_renewed_before_the_dispatch_or_their_orders_are_cancelled,
];

/// How long an authorisation lasts, in seconds.
const HELD_FOR: u64 = 7 * 24 * 60 * 60;

/// P11: elsewhere a webhook and a worker that raced captured twice.
async fn webhooks_that_race_the_payment_worker_on_many_orders_charge_each_once(shop: &Shop) {
    const ORDERS: usize = 20;
    let tea = shop.stock(ORDERS as u64, 1).await;
    let orders: Vec<_> = (0..ORDERS).map(|_| order_of(tea.sku.as_str())).collect();
    // The gateway takes its time, so that webhooks about an order overtake the answer to its payment worker.
    set_faults(shop, &Faults { latency_ms: 1_000, ..Faults::default() }).await;
    join(shop.place_at_once(&orders), join_all(orders.iter().map(|order| send_webhooks_until_confirmed(shop, order))))
        .await;
    set_faults(shop, &Faults::default()).await;
    // The last webhooks are processed, too.
    quiet(shop).await;

    let mut asked: HashMap<String, usize> = HashMap::new();
    for request in requests(shop).await.into_iter().filter(|request| request.path == "/v1/payment_intents") {
        *asked.entry(request.idempotency_key.unwrap_or_default()).or_default() += 1;
    }
    let mut raced = 0;
    for order in &orders {
        let payments = payments_of(shop, order).await;
        assert_eq!((payments.intents.len(), payments.charges), (1, 1), "{}: {payments:?}", id(order));
        assert_eq!((payments.totals.authorised, payments.totals.held), (PRICE, PRICE), "{}", id(order));
        assert_eq!(shop.history(order).await.events.len(), 3, "{}", id(order));
        raced += usize::from(asked.iter().any(|(key, times)| key.contains(&format!(":{}:", id(order))) && *times > 1));
    }
    println!("webhooks raced the payment worker on {raced} of {ORDERS} orders");
    assert!(raced > 0, "no order was asked for twice, which proves nothing: {asked:?}");
}

/// Sends genuine webhooks about the order's payment until the order is confirmed.
async fn send_webhooks_until_confirmed(shop: &Shop, order: &Value) {
    let look = async || {
        let body = webhook_about_a_payment(&unique("evt_"), order);
        let genuine = signed(&shop.gateway.webhook_secret, Duration::ZERO, &body);
        assert_eq!(post_webhook(shop, Some(&genuine), &body).await.status, 202);
        shop.api.order(id(order)).await.unwrap().found().map(|view| view.status)
    };
    until("a confirmed order", look, |status| *status == Some(OrderStatus::Confirmed)).await;
}

async fn webhooks_that_come_late_thrice_and_out_of_order_change_nothing(shop: &Shop) {
    let faults = WebhookFaults { copies: 3, shuffle_within_ms: 5_000, seed: 20_261_126, ..WebhookFaults::default() };
    quiet(shop).await;
    let before = webhooks(shop).await;
    set_webhook_faults(shop, faults).await;

    let tea = shop.stock(5, 1).await;
    let (returned, cancelled) = (order_of(tea.sku.as_str()), order_of(tea.sku.as_str()));
    let declined = with(order_of(tea.sku.as_str()), json!({ "payment": { "method": "pm_card_chargeDeclined" } }));
    let orders = [returned.clone(), cancelled.clone(), declined.clone()];
    shop.place_at_once(&orders).await;
    shop.settled_all(&orders).await;
    shop.api.cancel(id(&cancelled), "CUSTOMER_REQUEST").await.unwrap();
    shop.dispatch(&returned).await;
    shop.report(json!({ "update": "DELIVERED", "orderId": id(&returned) })).await;
    shop.view(&returned, "completed", |view| view.status == OrderStatus::Completed).await;
    shop.report(json!({ "update": "RETURNED", "orderId": id(&returned) })).await;
    shop.view(&returned, "refunded", |view| view.payment_status == PaymentStatus::Refunded).await;
    shop.view(&cancelled, "voided", |view| view.payment_status == PaymentStatus::Voided).await;

    // Authorised, captured and refunded; authorised and voided; declined: six events, each three times.
    quiet(shop).await;
    let after = webhooks(shop).await;
    assert_eq!((after.events - before.events, after.delivered - before.delivered), (6, 18), "{after:?}");
    set_webhook_faults(shop, WebhookFaults::default()).await;

    let totals = Totals { authorised: PRICE, ..Totals::default() };
    for (order, changes, charges, money) in [
        (&returned, 8, 1, Totals { captured: PRICE, refunded: PRICE, ..totals }),
        (&cancelled, 5, 1, Totals { voided: PRICE, ..totals }),
        (&declined, 3, 0, Totals::default()),
    ] {
        assert_eq!(shop.history(order).await.events.len(), changes, "{}", id(order));
        let payments = payments_of(shop, order).await;
        assert_eq!((payments.intents.len(), payments.charges), (1, charges), "{payments:?}");
        assert_eq!(payments.totals, money, "{}", id(order));
    }
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 4, reserved: 0, sold: 1 });
}

async fn expired_authorisations_are_renewed_before_the_dispatch_or_their_orders_are_cancelled(shop: &Shop) {
    let (tea, mug) = (shop.stock(5, 1).await, shop.stock(5, 1).await);
    let good = order_of(tea.sku.as_str());
    // Its card was good once and is not any more.
    let bad = with(order_of(mug.sku.as_str()), json!({ "payment": { "method": "pm_card_chargeDeclined" } }));
    for order in [&good, &bad] {
        let payment_intent = authorise_for(shop, order).await;
        quiet(shop).await;
        // So long ago that the gateway's search is current, and the first answer can be believed.
        let ago = SEARCH_IS_CURRENT_AFTER * 2;
        let authorisation = Authorisation { payment_intent, attempt: 1, capture_before: None };
        Aged::validated(shop, order, ago).await.reserved().await.confirmed(authorisation).await;
    }
    advance_clock(shop, HELD_FOR + 1).await;

    let view = shop.view(&bad, "cancelled", |view| view.status == OrderStatus::Cancelled).await;
    assert_eq!(view.payment_status, PaymentStatus::Voided);
    assert_eq!(serde_json::to_value(&view.reason).unwrap()["code"], "PAYMENT_DECLINED");
    assert!(matches!(view.reason, Some(RejectionReason::PaymentDeclined { .. })), "{view:?}");
    assert_eq!(shop.stock_of(&mug).await, StockLevel { free: 5, reserved: 0, sold: 0 });
    assert_eq!(payments_of(shop, &bad).await.totals.held, 0);

    let view = shop.view(&good, "re-authorised", |view| view.version == 4).await;
    assert_eq!((view.status, view.payment_status), (OrderStatus::Confirmed, PaymentStatus::Authorised));
    assert_eq!(shop.history(&good).await.events[3].event_type, EventType::PaymentAuthorised);
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 4, reserved: 1, sold: 0 });
    let payments = payments_of(shop, &good).await;
    assert_eq!((payments.intents.len(), payments.totals.held, payments.totals.voided), (2, PRICE, PRICE));

    // The dispatch is paid with the new authorisation.
    shop.dispatch(&good).await;
    shop.report(json!({ "update": "DELIVERED", "orderId": id(&good) })).await;
    let view = shop.view(&good, "completed", |view| view.status == OrderStatus::Completed).await;
    assert_eq!((view.payment_status, view.shipment_status), (PaymentStatus::Captured, ShipmentStatus::Delivered));
    let money = payments_of(shop, &good).await.totals;
    assert_eq!((money.captured, money.held, money.voided), (PRICE, 0, PRICE));
}

/// Waits until every webhook is delivered and processed.
async fn quiet(shop: &Shop) {
    until("every webhook delivered", async || webhooks(shop).await.pending, |pending| *pending == 0).await;
    shop.drained(&["reconcile-queue", "inventory-queue", "payment-queue", "fulfilment-queue"]).await;
}
