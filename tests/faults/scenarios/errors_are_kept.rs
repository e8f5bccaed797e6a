//! A few payments that the gateway answered with an error of its own, which it keeps and repeats under their key. Until their
//! next key, twenty minutes later, those orders wait; the others must not.

use std::time::{Duration, Instant};

use ops::gateway_simulator::Faults;

use crate::flow::Flow;
use crate::orders::Batch;
use crate::world::World;

const ORDERS: usize = 100;
/// Requests that the gateway executes and answers with an error that it keeps.
const KEPT: u32 = 8;
/// Longest time for all the other orders, with all that the circuit's first opening costs.
const PATIENCE: Duration = Duration::from_secs(90);

pub async fn a_few_payments_with_an_error_that_is_kept_hold_up_no_others(world: &World<'_>) {
    let began = Instant::now();
    let batch = Batch::of(&world.shop, ORDERS).await;
    let flow = Flow::new(world, &batch);
    let simulator = world.environment.simulator().expect("the simulator runs in this process");
    simulator.set_faults(Faults { charged_but_error: true, remaining: Some(KEPT), ..Faults::default() });
    flow.place(20).await;
    let open = flow.follow_all_but(KEPT as usize, PATIENCE).await;
    let took = began.elapsed().as_secs();
    println!("errors kept: {KEPT}; of {ORDERS} orders {} are not at their end after {took} s", open.len());
    assert!(open.len() <= KEPT as usize, "{} orders wait with the {KEPT}: {open:?}", open.len());
}
