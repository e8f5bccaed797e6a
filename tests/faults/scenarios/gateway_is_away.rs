//! The payment gateway is away for minutes, and nobody listens where it was, while orders keep coming in.

use std::time::{Duration, Instant};

use futures::future::join;
use order_domain::order::{OrderStatus, PaymentStatus};

use crate::account::Account;
use crate::flow::Flow;
use crate::orders::Batch;
use crate::wait::until_within;
use crate::world::World;

const ORDERS: usize = 94;
/// How long it is away.
const AWAY: Duration = Duration::from_secs(120);
/// Orders that come before the rush: few, since what waits from the beginning waits longest afterwards, up to twice the time
/// of the outage. More of them would show no more, and take minutes.
const BEFORE_THE_RUSH: usize = 4;
const RUSH_AFTER: Duration = Duration::from_secs(60);
/// Orders that come at once, enough to open circuits; the others come one by one for as long as the gateway is away.
const RUSH: usize = 50;
/// Longest time for every order to wait for its payment, and for a circuit to open.
const WAITING_WITHIN: Duration = Duration::from_secs(60);
/// Longest time for the last order to be confirmed afterwards: circuits wait for 15 s and twice as long each time, what meets
/// one that is open waits up to twice as long as it, and retries wait longer each time, too.
const PATIENCE: Duration = Duration::from_secs(600);

/// When an order comes, by its number.
fn comes_after(number: usize) -> Duration {
    let evenly = |number: usize, of: usize, over: Duration| over.mul_f64(number as f64 / of as f64);
    match number {
        _ if number < BEFORE_THE_RUSH => evenly(number, BEFORE_THE_RUSH, RUSH_AFTER),
        _ if number < BEFORE_THE_RUSH + RUSH => RUSH_AFTER,
        _ => {
            let later = ORDERS - BEFORE_THE_RUSH - RUSH;
            RUSH_AFTER + evenly(number + later - ORDERS, later, AWAY - RUSH_AFTER)
        }
    }
}

pub async fn an_outage_of_the_gateway_of_minutes_delays_orders_and_loses_none(world: &World<'_>) {
    let began = Instant::now();
    let batch = Batch::of(&world.shop, ORDERS).await;
    let flow = Flow::new(world, &batch);
    let gateway = &world.proxies().gateway;

    gateway.go_down().await;
    let away = Instant::now();
    join(flow.place_each_after(comes_after), tokio::time::sleep(AWAY)).await;
    assert_eq!((flow.accepted(), flow.unanswered()), (ORDERS, 0), "not every order was accepted at once");
    // And now they have gone as far as they can.
    let open = async || {
        let stored = world.stored(&batch).await.unwrap();
        let on_the_way = batch.orders.iter().filter(|planned| {
            stored.get(&planned.id).is_none_or(|order| order.status.is_open() && order.status != OrderStatus::Reserved)
        });
        (on_the_way.count(), world.circuits_opened(batch.began).await)
    };
    let waits = |(on_the_way, opened): &(usize, u64)| *on_the_way == 0 && *opened > 0;
    let (_, opened) = until_within(WAITING_WITHIN, "orders that wait and an open circuit", open, waits).await;
    let stored = world.stored(&batch).await.unwrap();
    let waiting = stored.values().filter(|order| order.status == OrderStatus::Reserved).count();
    assert!(stored.values().all(|order| order.payment_status == PaymentStatus::None), "{stored:?}");
    assert_eq!(world.dead_lettered_of(&batch).await, 0, "an outage sent something to a dead-letter queue");
    gateway.come_back().await.unwrap();
    let (away, back) = (away.elapsed(), Instant::now());

    flow.follow(PATIENCE).await;
    let caught_up = back.elapsed();
    let account = Account::of(world, &batch).await;
    assert_eq!(account.dead_letters, 0);
    let faults = [
        ("seconds away", away.as_secs()),
        ("orders waited", waiting as u64),
        ("circuits opened", opened),
        ("seconds to catch up", caught_up.as_secs()),
    ];
    account.each_published_once().close("gateway away", &faults, began.elapsed());
    // Circuits that are still open go with their functions: the next scenario begins without this outage.
    let _ = world.environment.kill_functions();
}
