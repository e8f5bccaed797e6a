//! What brings an order on that stopped moving.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use order_domain::catalogue::price;
use order_domain::event::Occasion;
use order_domain::message::SWEEP;
use order_domain::money::Currency;
use order_domain::order::OrderStatus;
use order_domain::request::PlaceOrder;
use order_domain::time::Timestamp;
use order_domain::transition::{Change, receive};
use order_domain::wiring::Stage;
use order_handlers::adapters::dynamodb::DynamoDb;
use order_handlers::ports::{Catalogue as _, Committed, Orders as _};
use serde_json::Value;

use crate::order::order_of;
use crate::shop::Shop;

super::cases![an_order_that_nobody_forwarded_is_found_by_a_sweep_and_confirmed, the_schedule_sweeps];

/// An order as validate leaves it that dies between its commit and its forwarding, and whose message is lost too.
pub async fn stranded(shop: &Shop, order: &Value, since: Duration) {
    let tables = DynamoDb::new(shop.dynamodb.clone(), &shop.connection.orders_table, &shop.connection.inventory_table);
    let request = PlaceOrder::from_json(&order.to_string()).unwrap();
    let skus: BTreeSet<_> = request.items.iter().map(|item| item.sku.clone()).collect();
    let prices = tables.price_list(&skus, &BTreeSet::from([Currency::GBP])).await.unwrap();
    assert_eq!(prices.readable.delivery, BTreeMap::new());
    let long_ago = Timestamp::from_unix_milliseconds(
        Timestamp::now().unix_milliseconds() - i64::try_from(since.as_millis()).unwrap(),
    )
    .unwrap();
    let occasion = Occasion { at: long_ago, actor: Stage::Validate, cause: "a message that was lost".into() };
    let priced = price(&request, prices.of(&request).unwrap());
    let change: Change = receive(request, priced, long_ago, &occasion);
    assert_eq!(tables.commit(&change).await.unwrap(), Committed::Done);
}

async fn an_order_that_nobody_forwarded_is_found_by_a_sweep_and_confirmed(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    stranded(shop, &order, Duration::from_secs(600)).await;
    let queue = &shop.connection.queues["reconcile-queue"];
    // Twice, and the schedule may come in between: it is brought on once.
    for _ in 0..2 {
        shop.sqs.send_message().queue_url(queue).message_body(SWEEP).send().await.unwrap();
    }
    let view = shop.settled(&order).await;
    assert_eq!((view.status, view.version), (OrderStatus::Confirmed, 3));
    assert_eq!(shop.stock_of(&tea).await.reserved, 1);
}

async fn the_schedule_sweeps(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    stranded(shop, &order, Duration::from_secs(600)).await;
    // A minute until it fires, and another for a busy machine.
    assert_eq!(shop.settled_within(&order, Duration::from_secs(120)).await.status, OrderStatus::Confirmed);
}
