//! A few payments that the gateway answered with an error of its own, which it keeps and repeats under their key. Until their
//! next key, minutes later, those orders wait; the gateway is well, and the others must not wait with them.

use std::time::{Duration, Instant};

use payment_simulator::Faults;

use crate::flow::Flow;
use crate::orders::Batch;
use crate::wait::until_within;
use crate::world::World;

/// Orders whose authorisation the gateway executes and answers with an error that it keeps: fewer than half of the ten calls
/// that a circuit looks at, since the first answer of each is an error like any other.
const KEPT: u32 = 4;
/// Retries of them: the error itself, and the same error once more, for each.
const RETRIES: u64 = 2 * KEPT as u64;
/// Longest time for those.
const RETRIED_WITHIN: Duration = Duration::from_secs(120);
/// Orders that come later.
const LATER: usize = 5;
/// Longest time for those: nothing is wrong with them.
const PATIENCE: Duration = Duration::from_secs(120);

pub async fn a_few_payments_with_a_saved_error_delay_no_others(world: &World<'_>) {
    let simulator = world.environment.simulator().expect("the simulator runs in this process");
    let kept = Batch::of(&world.shop, KEPT as usize).await;
    simulator.set_faults(Faults { charged_but_error: true, remaining: Some(KEPT), ..Faults::default() });
    Flow::new(world, &kept).place(KEPT as usize).await;
    // The first answer of each counts as an error; its repetitions, which could make the gateway look as if it were down, must not.
    let look = async || (world.retries("payment-function", kept.began).await, world.circuits_opened(kept.began).await);
    let repeated = |(retries, opened): &(u64, u64)| *retries >= RETRIES || *opened > 0;
    let (_, opened) = until_within(RETRIED_WITHIN, "payments that are retried", look, repeated).await;

    let later = Batch::of(&world.shop, LATER).await;
    let flow = Flow::new(world, &later);
    let began = Instant::now();
    flow.place(1).await;
    let open = flow.follow_all_but(0, PATIENCE).await;
    let took = began.elapsed().as_secs();
    println!(
        "errors kept: {KEPT}; circuits opened by them: {opened}; of {LATER} orders afterwards {} are not at their end after {took} s",
        open.len()
    );
    assert_eq!(opened, 0, "errors that are kept count as a gateway that is down");
    assert!(open.is_empty(), "held up: {open:?}");
}
