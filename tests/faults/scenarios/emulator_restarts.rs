//! All of AWS goes away and comes back: the emulator is stopped, and with it every function in the middle of its work, and is
//! started again with what it holds.

use std::time::{Duration, Instant};

use futures::future::join3;

use crate::account::Account;
use crate::flow::Flow;
use crate::orders::Batch;
use crate::world::World;

const ORDERS: usize = 100;
/// Orders that are accepted when it goes away: others are still to come.
const ACCEPTED_BEFORE: usize = ORDERS / 2;
/// Longest time for that many to be accepted.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(60);
/// Longest time for the last message to come back that a function held.
const PATIENCE: Duration = Duration::from_secs(600);

pub async fn orders_under_way_survive_a_restart_of_the_emulator(world: &World<'_>) {
    let began = Instant::now();
    let batch = Batch::of(&world.shop, ORDERS).await;
    let flow = Flow::new(world, &batch);
    let mut away = Duration::ZERO;
    let restart = async {
        let deadline = Instant::now() + ACCEPTED_WITHIN;
        while flow.accepted() < ACCEPTED_BEFORE {
            assert!(Instant::now() < deadline, "only {} orders were accepted", flow.accepted());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let stopped = Instant::now();
        world.environment.halt_emulator().await.unwrap();
        world.environment.resume_emulator().await.unwrap();
        away = stopped.elapsed();
    };
    join3(flow.place(10), flow.follow(PATIENCE), restart).await;

    // What was committed and not read from the table's stream went with it: the emulator keeps the table and not its stream.
    let replayed = world.replay(&batch).await;
    let faults = [
        ("restart", 1),
        ("seconds away", away.as_secs()),
        ("requests not answered", flow.unanswered()),
        ("events replayed from the table", replayed),
    ];
    Account::of(world, &batch).await.close("emulator restarted", &faults, began.elapsed());
}
