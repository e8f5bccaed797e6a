//! The same order twice, and two orders under one id.

use order_domain::event::EventType;
use order_domain::order::OrderStatus;
use order_domain::stock::StockLevel;
use serde_json::json;

use crate::order::{order_of, with};
use crate::shop::Shop;
use crate::wait::until;

super::cases![
    a_duplicate_order_changes_nothing,
    ten_copies_at_once_make_one_order,
    another_order_under_the_same_id_is_recorded_and_never_merged,
];

/// P2: elsewhere the idempotency key was a hash of the body, so that two equal baskets were one order and a changed
/// retry was two.
async fn a_duplicate_order_changes_nothing(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let (order, marker) = (order_of(tea.sku.as_str()), order_of(tea.sku.as_str()));
    shop.place(&order).await;
    let before = shop.settled(&order).await;
    shop.place(&order).await;
    // A later order that went through says that the copy was dealt with too.
    shop.place(&marker).await;
    shop.settled(&marker).await;
    assert_eq!(shop.settled(&order).await, before);
    assert_eq!(shop.history(&order).await.events.len(), 3);
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 3, reserved: 2, sold: 0 });
}

/// P2: elsewhere the idempotency key was a hash of the body, so that two equal baskets were one order and a changed
/// retry was two.
async fn ten_copies_at_once_make_one_order(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    shop.place_at_once(&vec![order.clone(); 10]).await;
    assert_eq!(shop.settled(&order).await.status, OrderStatus::Confirmed);
    assert_eq!(shop.history(&order).await.events.len(), 3);
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 4, reserved: 1, sold: 0 });
    let phone = order["customer"]["phone"].as_str().unwrap();
    assert_eq!(shop.texts_to(phone).await.len(), 1);
}

/// P2: elsewhere the idempotency key was a hash of the body, so that two equal baskets were one order and a changed
/// retry was two.
async fn another_order_under_the_same_id_is_recorded_and_never_merged(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    shop.place(&order).await;
    let before = shop.settled(&order).await;
    shop.place(&with(order.clone(), json!({ "items": [{ "sku": tea.sku, "quantity": 4 }] }))).await;
    let look = async || shop.history(&order).await.events;
    let events = until("the conflict's event", look, |events| events.len() > 3).await;
    assert_eq!(events[3].event_type, EventType::OrderConflict);
    let after = shop.settled(&order).await;
    assert_eq!((after.status, after.total), (before.status, before.total));
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 4, reserved: 1, sold: 0 });
}
