//! The payment gateway on a bad day: it charges and does not answer, answers with errors, answers late.

use std::time::{Duration, Instant};

use fault_proxy::{Fault, FaultPlan, Rule};

use crate::account::Account;
use crate::flow::{BadDay, Flow};
use crate::orders::Batch;
use crate::world::World;

const ORDERS: usize = 100;
/// Faults that have to be met for the scenario to mean something.
const FAULTS: u64 = 40;
/// Longest time for that many to be met: circuits open, and nobody asks while they are.
const AT_MOST: Duration = Duration::from_secs(600);
/// Longest time for the last retries: circuits may open, and wait longer each time.
const PATIENCE: Duration = Duration::from_secs(600);

fn faults() -> FaultPlan {
    FaultPlan::new(
        20_261_130,
        vec![
            Rule::for_share(Fault::LostAnswer, 0.18),
            Rule::for_share(Fault::Error { status: 500 }, 0.06),
            Rule::for_share(Fault::Error { status: 503 }, 0.06),
            Rule::for_share(Fault::Throttled, 0.04),
            // Longer than the functions wait for the gateway: charged, and nobody heard of it.
            Rule::for_share(Fault::Slow { by: Duration::from_secs(11) }, 0.03),
            Rule::for_share(Fault::Slow { by: Duration::from_secs(1) }, 0.05),
        ],
    )
}

pub async fn nobody_is_charged_twice_when_the_gateway_fails_and_loses_answers(world: &World<'_>) {
    let began = Instant::now();
    let batch = Batch::of(&world.shop, ORDERS).await;
    let faults = Flow::new(world, &batch)
        .through(BadDay {
            proxy: &world.proxies().gateway,
            plan: faults(),
            faults: FAULTS,
            at_most: AT_MOST,
            patience: PATIENCE,
        })
        .await;
    Account::of(world, &batch).await.each_published_once().close("gateway failed", &faults, began.elapsed());
}
