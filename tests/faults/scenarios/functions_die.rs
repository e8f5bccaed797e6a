//! Function processes that are killed in the middle of their work.

use std::time::{Duration, Instant};

use futures::future::join;

use crate::account::Account;
use crate::flow::Flow;
use crate::orders::Batch;
use crate::world::World;

const ORDERS: usize = 100;
/// Invocations that have to be cut short for the scenario to mean something.
const CUT_SHORT: u64 = 12;
/// Time between two strikes: functions are at work again by then.
const BETWEEN_STRIKES: Duration = Duration::from_millis(400);
/// Longest time for that many to be met at work.
const STRIKES_WITHIN: Duration = Duration::from_secs(40);
/// Longest time for what they held to come back and be done.
const PATIENCE: Duration = Duration::from_secs(120);

pub async fn no_order_is_lost_when_functions_are_killed_at_work(world: &World<'_>) {
    let began = Instant::now();
    let batch = Batch::of(&world.shop, ORDERS).await;
    let flow = Flow::new(world, &batch);
    let before = world.invocations_cut_short();
    let mut killed = 0;
    let strikes = async {
        let deadline = Instant::now() + STRIKES_WITHIN;
        while world.invocations_cut_short() - before < CUT_SHORT && Instant::now() < deadline {
            killed += world.environment.kill_functions();
            tokio::time::sleep(BETWEEN_STRIKES).await;
        }
    };
    // A few at a time, so that orders flow for as long as the strikes last.
    join(flow.place(4), join(flow.follow(PATIENCE), strikes)).await;
    let met = world.invocations_cut_short() - before;
    assert!(met >= CUT_SHORT, "of {killed} functions killed only {met} were at work");
    let faults = [("processes killed", killed as u64), ("of them at work", met)];
    Account::of(world, &batch).await.close("functions killed", &faults, began.elapsed());
}
