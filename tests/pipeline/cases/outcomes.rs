//! The outcomes of orders.

use std::collections::HashMap;

use order_contract::api::answers::ReceiptStatus;
use order_domain::event::EventType;
use order_domain::order::{OrderStatus, PaymentStatus, RejectionReason};
use order_domain::stock::StockLevel;
use serde_json::json;

use crate::order::{order_of, with};
use crate::shop::{PRICE, Shop};

super::cases![
    a_good_order_is_confirmed_and_its_history_has_no_gap,
    what_only_code_can_see_is_rejected_with_its_reason,
    an_order_beyond_the_stock_is_out_of_stock,
    a_declined_card_releases_the_stock,
    the_last_unit_is_sold_once,
    a_line_larger_than_any_shard_is_reserved_from_several_of_them,
    twenty_orders_racing_for_stock_in_shards_sell_every_unit_and_none_twice,
    a_message_that_is_not_json_goes_to_the_dead_letter_queue_and_harms_no_other,
];

async fn a_good_order_is_confirmed_and_its_history_has_no_gap(shop: &Shop) {
    let tea = shop.stock(5, 2).await;
    let order = with(order_of(tea.sku.as_str()), json!({ "items": [{ "sku": tea.sku, "quantity": 2 }] }));
    let order = with(order, json!({ "expectedTotal": 2 * PRICE }));
    let accepted = shop.place(&order).await;
    assert_eq!(accepted.status, ReceiptStatus::Received);
    assert!(!accepted.receipt.is_empty());
    let view = shop.settled(&order).await;
    assert_eq!((view.status, view.payment_status), (OrderStatus::Confirmed, PaymentStatus::Authorised));
    assert_eq!((view.total.amount, view.version), (2 * PRICE, 3));
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 3, reserved: 2, sold: 0 });
    let events = shop.history(&order).await.events;
    let recorded: Vec<_> =
        events.iter().map(|event| (event.sequence, event.event_type, event.actor.as_str())).collect();
    assert_eq!(
        recorded,
        [
            (1, EventType::OrderValidated, "validate"),
            (2, EventType::StockReserved, "inventory"),
            (3, EventType::OrderConfirmed, "payment"),
        ]
    );
    // The first event was caused by the very message that the receipt names.
    assert_eq!(events[0].message_id, accepted.receipt);
}

/// P3: elsewhere the total was taken from the client.
async fn what_only_code_can_see_is_rejected_with_its_reason(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let good = order_of(tea.sku.as_str());
    let cases = [
        (json!({ "items": [{ "sku": "NO-SUCH-SKU", "quantity": 1 }] }), "UNKNOWN_SKU"),
        (json!({ "expectedTotal": 1 }), "PRICE_MISMATCH"),
        (json!({ "currency": "EUR" }), "CURRENCY_NOT_SOLD"),
    ];
    for (change, code) in cases {
        let order = with(with(good.clone(), change), json!({ "orderId": crate::order::unique("ord-") }));
        shop.place(&order).await;
        let view = shop.settled(&order).await;
        assert_eq!(view.status, OrderStatus::Rejected);
        assert_eq!(serde_json::to_value(view.reason).unwrap()["code"], code);
        let events = shop.history(&order).await.events;
        assert_eq!(events.iter().map(|event| event.event_type).collect::<Vec<_>>(), [EventType::OrderRejected]);
        shop.published(&order, |events| events == [EventType::OrderRejected]).await;
    }
    let phone = good["customer"]["phone"].as_str().unwrap();
    assert!(!shop.texts_to(phone).await.is_empty());
    assert_eq!(shop.stock_of(&tea).await.free, 5);
}

async fn an_order_beyond_the_stock_is_out_of_stock(shop: &Shop) {
    let (tea, mug) = (shop.stock(5, 1).await, shop.stock(1, 1).await);
    let items = json!([{ "sku": tea.sku, "quantity": 1 }, { "sku": mug.sku, "quantity": 2 }]);
    let order = with(order_of(tea.sku.as_str()), json!({ "items": items }));
    shop.place(&order).await;
    let view = shop.settled(&order).await;
    assert_eq!(view.status, OrderStatus::OutOfStock);
    assert_eq!(view.reason, Some(RejectionReason::OutOfStock { sku: mug.sku.clone() }));
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 5, reserved: 0, sold: 0 });
    assert_eq!(shop.stock_of(&mug).await, StockLevel { free: 1, reserved: 0, sold: 0 });
}

async fn a_declined_card_releases_the_stock(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    let order = with(order, json!({ "payment": { "method": "pm_card_chargeDeclinedInsufficientFunds" } }));
    shop.place(&order).await;
    let view = shop.settled(&order).await;
    assert_eq!((view.status, view.payment_status), (OrderStatus::PaymentDeclined, PaymentStatus::Declined));
    assert_eq!(serde_json::to_value(view.reason).unwrap()["declineCode"], "insufficient_funds");
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 5, reserved: 0, sold: 0 });
    shop.published(&order, |events| events.iter().filter(|event| **event == EventType::PaymentDeclined).count() == 2)
        .await;
}

/// P10: elsewhere orders that raced for the last unit sold it twice.
async fn the_last_unit_is_sold_once(shop: &Shop) {
    let tea = shop.stock(1, 1).await;
    let orders: Vec<_> = (0..20).map(|_| order_of(tea.sku.as_str())).collect();
    shop.place_at_once(&orders).await;
    let expected = HashMap::from([(OrderStatus::Confirmed, 1), (OrderStatus::OutOfStock, 19)]);
    assert_eq!(shop.settled_all(&orders).await, expected);
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 0, reserved: 1, sold: 0 });
}

async fn a_line_larger_than_any_shard_is_reserved_from_several_of_them(shop: &Shop) {
    let tea = shop.stock(8, 4).await;
    let order = with(order_of(tea.sku.as_str()), json!({ "items": [{ "sku": tea.sku, "quantity": 5 }] }));
    shop.place(&order).await;
    assert_eq!(shop.settled(&order).await.status, OrderStatus::Confirmed);
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 3, reserved: 5, sold: 0 });
}

/// P10: elsewhere orders that raced for the last unit sold it twice.
async fn twenty_orders_racing_for_stock_in_shards_sell_every_unit_and_none_twice(shop: &Shop) {
    let tea = shop.stock(10, 3).await;
    let orders: Vec<_> = (0..20).map(|_| order_of(tea.sku.as_str())).collect();
    shop.place_at_once(&orders).await;
    let expected = HashMap::from([(OrderStatus::Confirmed, 10), (OrderStatus::OutOfStock, 10)]);
    assert_eq!(shop.settled_all(&orders).await, expected);
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 0, reserved: 10, sold: 0 });
}

async fn a_message_that_is_not_json_goes_to_the_dead_letter_queue_and_harms_no_other(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    let body = crate::order::unique("not json ");
    // Past the API, in one batch: only so can such a message get in.
    let good = order.to_string();
    let entry = |id: &str, body: &str| {
        aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
    };
    let send = shop.sqs.send_message_batch().queue_url(&shop.connection.queues["validate-queue"]);
    send.entries(entry("bad", &body)).entries(entry("good", &good)).send().await.unwrap();
    let message = shop.dead_letter("validate-dlq", &body).await;
    assert_eq!(message["reason"], "NOT_AN_ORDER");
    assert!(message["error"].contains("line 1"), "{message:?}");
    assert_eq!(shop.settled(&order).await.status, OrderStatus::Confirmed);
}
