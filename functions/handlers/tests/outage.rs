//! An outage of the payment gateway: the circuit opens, work waits, and everything completes when it is back.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod memory;

use std::collections::BTreeSet;
use std::time::Duration;

use memory::{POLICY, Shop, body, delivery};
use order_contract::metric;
use order_domain::order::OrderStatus;
use order_handlers::batch::Delivery;
use order_handlers::circuit_breaker::{CircuitBreaker, PAYMENT_GATEWAY};
use order_handlers::consumer::StageContext;
use order_handlers::stages::inventory::Inventory;
use order_handlers::stages::payment::Payment;
use order_handlers::stages::validate::Validate;

const ORDERS: usize = 30;
/// The pipeline's `maximum_receives`.
const MAXIMUM_RECEIVES: u32 = 50;

fn take_forwarded(shop: &Shop, name: &str) -> Vec<Delivery> {
    let messages = std::mem::take(&mut *shop.forwarded.lock().unwrap());
    let numbered = messages.iter().enumerate();
    numbered.map(|(n, message)| delivery(&format!("{name}-{n}"), serde_json::to_string(message).unwrap())).collect()
}

/// Reserved orders, with their commands for payment.
async fn reserved(shop: &Shop) -> Vec<Delivery> {
    let placed: Vec<_> =
        (0..ORDERS).map(|n| delivery(&format!("placed-{n}"), body(&format!("ord-{n}"), "TEA", 1))).collect();
    let validate = Validate { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY } };
    assert!(validate.run(&placed).await.is_empty());
    let inventory = Inventory { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY } };
    assert!(inventory.run(&take_forwarded(shop, "reserve")).await.is_empty());
    take_forwarded(shop, "pay")
}

#[tokio::test]
async fn an_hours_outage_of_the_gateway_opens_the_circuit_and_costs_few_receives() {
    let shop = Shop::with("TEA", &[100]);
    let mut waiting: Vec<(Duration, Delivery)> =
        reserved(&shop).await.into_iter().map(|delivery| (Duration::ZERO, delivery)).collect();
    let breaker = CircuitBreaker::new(PAYMENT_GATEWAY);
    let outage = Duration::from_secs(3600);
    let (mut receives, mut recovered) = (0, Duration::ZERO);
    while !waiting.is_empty() {
        // What is visible first is received next, up to ten at once, as a queue does.
        waiting.sort_by_key(|(visible, _)| *visible);
        let now = waiting[0].0;
        *shop.later.lock().unwrap() = now;
        *shop.gateway_is_down.lock().unwrap() = now < outage;
        let due = waiting.iter().take_while(|(visible, _)| *visible <= now).count().min(10);
        let batch: Vec<Delivery> = waiting.drain(..due).map(|(_, delivery)| delivery).collect();
        receives = receives.max(batch.iter().map(|delivery| delivery.receive_count).max().unwrap());
        let gateway = shop.guarded(&breaker);
        let payment = Payment {
            context: StageContext { database: &shop, queue: &shop, runtime: &shop, policy: POLICY },
            gateway,
        };
        let failed: BTreeSet<String> = payment.run(&batch).await.into_iter().collect();
        let waits = std::mem::take(&mut *shop.postponed.lock().unwrap());
        for delivery in batch.into_iter().filter(|delivery| failed.contains(&delivery.message_id)) {
            let (_, wait) = waits.iter().find(|(handle, _)| *handle == delivery.receipt_handle).unwrap();
            // A queue counts whole seconds.
            let wait = Duration::from_secs(wait.as_secs().max(1));
            waiting.push((now + wait, Delivery { receive_count: delivery.receive_count + 1, ..delivery }));
        }
        recovered = now;
    }
    assert!(shop.buried.lock().unwrap().is_empty());
    let orders = shop.orders.lock().unwrap();
    assert!(orders.values().all(|order| order.status == OrderStatus::Confirmed));
    assert!(shop.counts.lock().unwrap()[metric::GATEWAY_CIRCUIT_OPENED] > 1);
    assert!(receives < MAXIMUM_RECEIVES / 2, "{receives} receives of {MAXIMUM_RECEIVES}");
    // Nobody waits much longer than the outage and the longest wait.
    assert!(recovered < outage + Duration::from_secs(1500), "{recovered:?}");
    // While the circuit was open nearly nobody called.
    let calls = *shop.calls.lock().unwrap();
    assert!(calls < 10 * ORDERS, "{calls} calls");
}
