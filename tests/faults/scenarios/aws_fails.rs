//! AWS on a bad day: errors, throttles, slowness and lost answers for a share of what the functions ask.

use std::time::{Duration, Instant};

use fault_proxy::{Fault, FaultPlan, Rule};

use crate::account::Account;
use crate::flow::{BadDay, Flow};
use crate::orders::Batch;
use crate::world::World;

const ORDERS: usize = 100;
/// Faults that have to be met for the scenario to mean something.
const FAULTS: u64 = 100;
/// Longest time for that many to be met.
const AT_MOST: Duration = Duration::from_secs(300);
/// Longest time for the last retries, whose waits double.
const PATIENCE: Duration = Duration::from_secs(600);

fn faults() -> FaultPlan {
    FaultPlan::new(
        20_261_127,
        vec![
            // Done, and not known to be done: retries must not do it twice.
            Rule::for_share(Fault::LostAnswer, 0.15).of_service("dynamodb").of_action("TransactWriteItems"),
            Rule::for_share(Fault::LostAnswer, 0.15).of_service("sqs"),
            Rule::for_share(Fault::LostAnswer, 0.15).of_service("sns"),
            Rule::for_share(Fault::Throttled, 0.03),
            Rule::for_share(Fault::Error { status: 500 }, 0.03),
            Rule::for_share(Fault::Error { status: 503 }, 0.03),
            // Longer than the functions wait for AWS, and shorter.
            Rule::for_share(Fault::Slow { by: Duration::from_secs(4) }, 0.02),
            Rule::for_share(Fault::Slow { by: Duration::from_millis(500) }, 0.05),
        ],
    )
}

pub async fn no_order_is_lost_when_aws_fails_is_slow_and_loses_answers(world: &World<'_>) {
    let began = Instant::now();
    let batch = Batch::of(&world.shop, ORDERS).await;
    let mut faults = Flow::new(world, &batch)
        .through(BadDay {
            proxy: &world.proxies().aws,
            plan: faults(),
            faults: FAULTS,
            at_most: AT_MOST,
            patience: PATIENCE,
        })
        .await;
    // Notify returns the events that it could not publish. Lambda delivers them again; the emulator knows partial answers of queues
    // only, and goes on in the stream.
    faults.push(("events replayed from the table", world.replay(&batch).await));
    Account::of(world, &batch).await.close("AWS failed", &faults, began.elapsed());
}
