//! Function processes that are killed in the middle of their work.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures::future::join;

use crate::account::Account;
use crate::flow::Flow;
use crate::orders::Batch;
use crate::world::World;

const ORDERS: usize = 100;
/// How often it is struck, at least.
const STRIKES: u64 = 4;
/// Invocations that have to be cut short for the scenario to mean something.
const CUT_SHORT: u64 = 10;
/// Changes of orders from one strike to the next: so many tell that functions are at work again, and not just starting.
const CHANGES_BETWEEN_STRIKES: u64 = 15;
/// Time between two looks whether they are.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest time for what they held to come back, again and again, and to be done.
const PATIENCE: Duration = Duration::from_secs(600);

pub async fn no_order_is_lost_when_functions_are_killed_at_work(world: &World<'_>) {
    let began = Instant::now();
    let batch = Batch::of(&world.shop, ORDERS).await;
    let flow = Flow::new(world, &batch);
    let before = world.invocations_cut_short();
    let over = Cell::new(false);
    let strikes = async {
        let (mut strikes, mut killed, mut changes_then) = (0, 0, 0);
        while !over.get() && (strikes < STRIKES || world.invocations_cut_short() - before < CUT_SHORT) {
            let changes = world.changes(&batch).await;
            if changes >= changes_then + CHANGES_BETWEEN_STRIKES {
                (strikes, killed, changes_then) = (strikes + 1, killed + world.environment.kill_functions(), changes);
            }
            tokio::time::sleep(PAUSE).await;
        }
        (strikes, killed as u64)
    };
    let orders = async {
        // A few at a time, so that orders flow for as long as the strikes last.
        join(flow.place(4), flow.follow(PATIENCE)).await;
        over.set(true);
    };
    let ((), (strikes, killed)) = join(orders, strikes).await;
    let cut_short = world.invocations_cut_short() - before;
    let faults = [("strikes", strikes), ("processes killed", killed), ("of them at work", cut_short)];
    Account::of(world, &batch).await.close("functions killed", &faults, began.elapsed());
    assert!(
        strikes >= STRIKES && cut_short >= CUT_SHORT,
        "too few functions were met at work to tell anything: {faults:?}"
    );
}
