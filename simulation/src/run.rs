//! One run of a plan, on one thread, with a clock that jumps from one moment to the next.

use std::sync::Arc;

use order_domain::stage::Stage;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::fault::FaultKind;
use crate::invariants::judge_end;
use crate::plan::{Invariant, Outcome, Plan};
use crate::world::{QUEUED, World};
use crate::{event_source, stream, workload};

/// Why a run could not take place.
#[derive(Debug, thiserror::Error)]
#[error("the runtime of the simulation could not be started; a process limit of this machine may be reached")]
pub struct NoRuntime(#[source] std::io::Error);

/// Runs a plan to its end.
///
/// # Errors
/// When this machine gives no runtime to run it in.
pub fn run(plan: &Plan) -> Result<Outcome, NoRuntime> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().map_err(NoRuntime)?;
    Ok(LocalSet::new().block_on(&runtime, live(plan)))
}

async fn live(plan: &Plan) -> Outcome {
    let world = Arc::new(World::new(plan));
    let shards = {
        let mut state = world.state();
        workload::fill_shelves(&mut state.table, plan.orders);
        state.scripts = plan.orders as usize;
        state.shards.len()
    };
    let mut pollers: Vec<_> =
        QUEUED.map(|stage: Stage| tokio::task::spawn_local(event_source::poll(Arc::clone(&world), stage))).into();
    pollers.extend((0..shards).map(|place| tokio::task::spawn_local(stream::consume(Arc::clone(&world), place))));
    let schedule = Arc::clone(&world);
    pollers.push(tokio::task::spawn_local(async move { schedule.sweep().await }));
    for number in 0..plan.orders {
        tokio::task::spawn_local(workload::script(Arc::clone(&world), number));
    }
    let rested = world.comes_to_rest().await;
    pollers.iter().for_each(tokio::task::JoinHandle::abort);
    end(&world, rested)
}

fn end(world: &World, rested: bool) -> Outcome {
    let now = world.now();
    let mut state = world.state();
    if !rested {
        let waiting: Vec<String> = state
            .queues
            .iter()
            .flat_map(|(stage, queue)| queue.messages().map(|message| format!("{} {}", stage.name(), message.name())))
            .take(5)
            .collect();
        let (scripts, under_way) = (state.scripts, state.under_way);
        let what = format!("{scripts} scripts, {under_way} invocations and messages such as {waiting:?} are left");
        state.broken(Invariant::ComesToRest, None, now, what);
    }
    judge_end(world, &mut state);
    let mut statistics = std::mem::take(&mut state.statistics);
    statistics.virtual_seconds = now / 1000;
    for kind in FaultKind::ALL.iter().copied() {
        let struck = state.faults.struck[kind as usize];
        if struck > 0 {
            statistics.faults.insert(kind.name(), struck);
        }
    }
    let violations = std::mem::take(&mut state.violations);
    Outcome { violations, statistics, story: state.take_story() }
}
