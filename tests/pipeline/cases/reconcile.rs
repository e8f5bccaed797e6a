//! The recovery of an order that stopped moving, and the release of its stock when nobody pays.

use std::time::Duration;

use order_contract::message::SWEEP;
use order_domain::event::EventType;
use order_domain::order::{OrderStatus, PaymentStatus, RejectionReason};
use order_domain::stock::StockLevel;
use order_domain::transition::overdue::RESERVATION_LIFETIME;

use crate::aged::Aged;
use crate::gateway::payments_of;
use crate::order::order_of;
use crate::shop::Shop;

super::cases![
    an_order_that_nobody_forwarded_is_found_by_a_sweep_and_confirmed,
    the_schedule_sweeps,
    a_reservation_of_more_than_a_day_that_was_never_paid_is_released,
];

async fn sweep(shop: &Shop) {
    let queue = &shop.connection.queues["reconcile-queue"];
    shop.sqs.send_message().queue_url(queue).message_body(SWEEP).send().await.unwrap();
}

/// P1: elsewhere an order whose message could not be sent stayed pending for ever, and every retry got the stored
/// failure.
async fn an_order_that_nobody_forwarded_is_found_by_a_sweep_and_confirmed(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    Aged::validated(shop, &order, Duration::from_secs(600)).await;
    // Twice, and the schedule may come in between: it is re-queued once.
    for _ in 0..2 {
        sweep(shop).await;
    }
    let view = shop.settled(&order).await;
    assert_eq!((view.status, view.version), (OrderStatus::Confirmed, 3));
    assert_eq!(shop.stock_of(&tea).await.reserved, 1);
}

async fn the_schedule_sweeps(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    Aged::validated(shop, &order, Duration::from_secs(600)).await;
    // A minute until it fires, and another for a busy machine.
    assert_eq!(shop.settled_within(&order, Duration::from_secs(120)).await.status, OrderStatus::Confirmed);
}

async fn a_reservation_of_more_than_a_day_that_was_never_paid_is_released(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    let too_long = RESERVATION_LIFETIME + Duration::from_secs(60);
    Aged::validated(shop, &order, too_long).await.reserved().await;
    // Its reservation is not taken for sold or free before somebody looks: a sweep, ours or the schedule's.
    sweep(shop).await;
    let view = shop.settled(&order).await;
    assert_eq!((view.status, view.payment_status), (OrderStatus::Cancelled, PaymentStatus::None));
    assert_eq!(view.reason, Some(RejectionReason::ReservationExpired));
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 5, reserved: 0, sold: 0 });
    assert_eq!(payments_of(shop, &order).await.intents, [""; 0], "nobody asked for its money");
    let told = [EventType::OrderValidated, EventType::StockReserved, EventType::OrderCancelled];
    shop.published(&order, |events| told.iter().all(|event| events.contains(event))).await;
    // The customer hears of it.
    assert!(!shop.texts_to(order["customer"]["phone"].as_str().unwrap()).await.is_empty());
}
