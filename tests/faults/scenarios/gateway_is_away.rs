//! The payment gateway is away for a while, and nobody listens where it was.

use std::time::{Duration, Instant};

use order_domain::order::{OrderStatus, PaymentStatus};

use crate::account::Account;
use crate::flow::Flow;
use crate::orders::Batch;
use crate::wait::until_within;
use crate::world::World;

const ORDERS: usize = 100;
/// Longest time for every order to wait for its payment, and for a circuit to open.
const WAITING_WITHIN: Duration = Duration::from_secs(60);
/// Longest time for the last order to be confirmed afterwards: circuits wait for 15 s and twice as long each time, and so
/// do retries.
const PATIENCE: Duration = Duration::from_secs(240);

pub async fn an_outage_of_the_gateway_delays_orders_and_loses_none(world: &World<'_>) {
    let began = Instant::now();
    let batch = Batch::of(&world.shop, ORDERS).await;
    let flow = Flow::new(world, &batch);
    let gateway = &world.proxies().gateway;
    let opened_before = world.circuits_opened().await;
    let letters_before = world.dead_letters().await.len();

    gateway.go_down().await;
    flow.place(ORDERS).await;
    // Accepted, every one; and now they go as far as they can.
    let open = async || {
        let stored = world.stored(&batch).await.unwrap_or_default();
        let on_the_way = batch.orders.iter().filter(|planned| {
            stored.get(&planned.id).is_none_or(|order| order.status.is_open() && order.status != OrderStatus::Reserved)
        });
        (on_the_way.count(), world.circuits_opened().await - opened_before)
    };
    let waits = |(on_the_way, opened): &(usize, u64)| *on_the_way == 0 && *opened > 0;
    until_within(WAITING_WITHIN, "orders that wait and an open circuit", open, waits).await;
    let stored = world.stored(&batch).await.unwrap();
    let waiting = stored.values().filter(|order| order.status == OrderStatus::Reserved).count();
    assert!(stored.values().all(|order| order.payment_status == PaymentStatus::None), "{stored:?}");
    assert_eq!(world.dead_letters().await.len(), letters_before, "an outage sent something to a dead-letter queue");
    gateway.come_back().await.unwrap();
    let away = began.elapsed();

    flow.follow(PATIENCE).await;
    let account = Account::of(world, &batch).await;
    assert_eq!(account.dead_letters, 0);
    let faults = [
        ("seconds away", away.as_secs()),
        ("orders waited", waiting as u64),
        ("circuits opened", world.circuits_opened().await - opened_before),
    ];
    account.close("gateway away", &faults, began.elapsed());
}
