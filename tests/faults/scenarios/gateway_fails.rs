//! The payment gateway on a bad day: it charges and does not answer, answers with errors, answers late.

use std::time::{Duration, Instant};

use futures::future::join;
use ops::fault_proxy::{Fault, FaultPlan, Rule};

use crate::account::Account;
use crate::flow::Flow;
use crate::orders::Batch;
use crate::world::{World, injected};

const ORDERS: usize = 100;
/// Faults that have to be met for the scenario to mean something.
const FAULTS: u64 = 40;
/// Longest time for that many to be met.
const FAULTS_WITHIN: Duration = Duration::from_secs(40);
/// Longest time for the last retries: circuits may open, and wait longer each time.
const PATIENCE: Duration = Duration::from_secs(240);

fn bad_day() -> FaultPlan {
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
    let flow = Flow::new(world, &batch);
    let proxy = &world.proxies().gateway;
    let before = proxy.counts();
    proxy.set(bad_day());
    let end_of_the_day = async {
        let deadline = Instant::now() + FAULTS_WITHIN;
        while proxy.counts().faults() - before.faults() < FAULTS && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        proxy.clear();
    };
    join(flow.place(20), join(flow.follow(PATIENCE), end_of_the_day)).await;
    let faults = injected(&before, &proxy.counts());
    assert!(
        faults.iter().map(|(_, count)| count).sum::<u64>() >= FAULTS,
        "too few faults to tell anything: {faults:?}"
    );
    Account::of(world, &batch).await.close("gateway failed", &faults, began.elapsed());
}
