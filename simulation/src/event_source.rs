//! The event source mapping of a queue: polls, invokes, and deletes what an answer does not name as failed.

use std::collections::BTreeSet;
use std::sync::Arc;

use order_domain::id::OrderId;
use order_domain::stage::Stage;
use order_handlers::batch::Delivery;
use order_handlers::ports::Signed;

use crate::fault::FaultKind;
use crate::invocation::{Work, invoke};
use crate::mutation::Mutation;
use crate::plan::Invariant;
use crate::queue::Received;
use crate::settings::{BATCH, visibility_timeout};
use crate::sometimes;
use crate::workload::number_of;
use crate::world::{Service, World, pause};

/// Milliseconds until a poll that waits has found something, at most.
const LONGEST_POLL: u64 = 120;

/// Polls a stage's queue until the run ends.
pub(crate) async fn poll(world: Arc<World>, stage: Stage) {
    loop {
        let Some(Ok(permit)) = world.concurrency.get(&stage).map(|slots| slots.try_acquire()) else {
            // The end of an invocation wakes this.
            world.wait_for_messages(stage, None).await;
            continue;
        };
        let (batch, next) = receive(&world, stage);
        if batch.is_empty() {
            drop(permit);
            world.wait_for_messages(stage, next).await;
            // A poll that is under way finds what arrives with the first message, too.
            let until_found = world.state().schedule.below(LONGEST_POLL);
            pause(until_found).await;
            continue;
        }
        permit.forget();
        tokio::task::spawn_local(deliver(Arc::clone(&world), stage, batch));
        let between = world.state().schedule.below(30);
        pause(between).await;
    }
}

fn receive(world: &World, stage: Stage) -> (Vec<Received>, Option<u64>) {
    let now = world.now();
    let mut guard = world.state();
    let state = &mut *guard;
    if state.is_down(Service::Queues, now) {
        return (Vec::new(), Some(now + 1_000));
    }
    let few = state.schedule.percent(50);
    let most = if few { 1 + state.schedule.position(BATCH) } else { BATCH };
    let in_any_order = state.faults.in_force(FaultKind::Reorder, now);
    let Some(queue) = state.queues.get_mut(&stage) else { return (Vec::new(), None) };
    let (batch, undelivered) = queue.receive(now, most, visibility_timeout(stage), in_any_order, &mut state.schedule);
    let next = queue.next_visible();
    for undelivered in undelivered {
        state.dead_letter_exhausted(stage, undelivered, now);
    }
    for received in &batch {
        state.statistics.deliveries += 1;
        state.statistics.redeliveries += u64::from(received.message.receives > 1);
        if state.should_inject(FaultKind::Duplicate, now) {
            // Another of SQS's servers does not know of the receive.
            let again = now + state.faults.random(FaultKind::Duplicate).below(5_000);
            if let Some(queue) = state.queues.get_mut(&stage) {
                queue.show_at(received.message.id, again);
            }
        }
    }
    (batch, next)
}

async fn deliver(world: Arc<World>, stage: Stage, batch: Vec<Received>) {
    let now = world.now();
    let throttled = {
        let mut state = world.state();
        for received in &batch {
            let message = &received.message;
            state.narrate(now, message.order, || {
                format!("{} is received from {}-queue, receive {}", message.name(), stage.name(), message.receives)
            });
        }
        state.should_inject(FaultKind::Throttle, now)
    };
    // An invocation that is throttled leaves its messages hidden until their visibility ends.
    if !throttled {
        let deliveries = batch.iter().map(|received| delivery(&world, received)).collect();
        let poisoned = batch.iter().any(|received| received.message.poison);
        let answered = invoke(&world, stage, Work::Messages(deliveries), poisoned).await;
        if let Some(failed) = answered.failed {
            if stage == Stage::Reconcile {
                judge_webhooks(&world, &batch, &failed, answered.webhooks_refused);
            }
            settle(&world, stage, &batch, failed, &answered.committed);
        }
    }
    if let Some(slots) = world.concurrency.get(&stage) {
        slots.add_permits(1);
    }
    world.wake(stage);
}

fn delivery(world: &World, received: &Received) -> Delivery {
    let message = &received.message;
    let sent_at = world.clock(message.sent_at, 0);
    let mut body = message.body.clone();
    if world.makes(Mutation::ReturnsRefundedInFull)
        && let Some(at) = body.find(r#","refund":"#)
        && let Some(length) = body[at..].find('}')
    {
        body.replace_range(at..at + length, "");
    }
    Delivery {
        message_id: message.name(),
        receipt_handle: received.handle.clone(),
        receive_count: message.receives,
        sent_at,
        trace: None,
        signed: message.signature.clone().map(|signature| Signed { signature, accepted_at: sent_at }),
        body,
    }
}

/// A processed webhook was believed if, and only if, the gateway sent it.
fn judge_webhooks(world: &World, batch: &[Received], failed: &[String], refused: usize) {
    let done = batch.iter().filter(|received| !failed.contains(&received.message.name()));
    let forged: Vec<u32> =
        done.filter(|received| received.message.forged).filter_map(|received| received.message.order).collect();
    if refused != forged.len() {
        let what = format!("{} of the webhooks were forged, and {refused} were refused", forged.len());
        world.state().broken(Invariant::ForgeryRefused, forged.first().copied(), world.now(), what);
    }
}

/// Applies the partial batch response.
fn settle(world: &World, stage: Stage, batch: &[Received], mut failed: Vec<String>, changed: &BTreeSet<OrderId>) {
    if world.makes(Mutation::FailureListEmptied) {
        failed.clear();
    }
    if world.makes(Mutation::OnlyFirstFailureReported) {
        failed.truncate(1);
    }
    if world.makes(Mutation::WrongItemIdentifier) {
        let handle = |name: &String| batch.iter().find(|received| received.message.name() == *name);
        failed = failed.iter().filter_map(handle).map(|received| received.handle.clone()).collect();
    }
    let known = |name: &String| batch.iter().any(|received| received.message.name() == *name);
    // An identifier that Lambda does not know, or an empty one, fails the whole batch.
    let now = world.now();
    if !failed.iter().all(known) {
        let what = format!("{} names [{}], which are not in its batch", stage.name(), failed.join(", "));
        world.state().broken(Invariant::AnswerUnderstood, None, now, what);
        return;
    }
    let mut guard = world.state();
    let state = &mut *guard;
    for received in batch {
        let message = &received.message;
        if failed.contains(&message.name()) {
            continue;
        }
        let unchanged = || !changed.iter().any(|id| number_of(id) == message.order);
        if message.receives > 1
            && let Some(what) = sometimes::repeated(stage)
            && unchanged()
        {
            state.reached(what);
        }
        let comes_back = state.is_down(Service::Queues, now) || state.should_inject(FaultKind::Duplicate, now);
        let Some(queue) = state.queues.get_mut(&stage) else { continue };
        if comes_back {
            // Another of SQS's servers does not know of the deletion.
            queue.show_at(message.id, now + 1_000);
        } else {
            queue.remove(message.id);
        }
    }
}
