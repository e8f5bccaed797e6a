//! The queues as the stages see them.

use std::time::Duration;

use order_contract::message::Message;
use order_domain::stage::Stage;
use order_handlers::failure::{DeadLetterReason, Failure};
use order_handlers::ports::{DeadLetter, Queue};

use super::{Call, Ports};
use crate::fault::FaultKind;
use crate::invariants::judge_requeued;
use crate::invocation::orders;
use crate::mutation::Mutation;
use crate::settings::LONGEST_HIDDEN;
use crate::workload::{number_in, number_of};
use crate::world::{DeadLettered, Service};

/// Most entries of one SendMessageBatch.
const ENTRIES: usize = 10;

impl Queue for Ports {
    async fn forward(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        // A call takes ten messages, and each can fail alone.
        let mut answers = Vec::with_capacity(messages.len());
        for chunk in messages.chunks(ENTRIES) {
            let taken: Vec<_> = match self.reach(Call::Queue, None).await {
                Err(failure) => vec![Err(failure); chunk.len()],
                Ok(()) => {
                    let mut taken = Vec::with_capacity(chunk.len());
                    for message in chunk {
                        if let Message::Contact(command) = message {
                            self.notification_may_panic(&command.order_id, command.sequence).await;
                        }
                        taken.push(self.forward_one(message));
                    }
                    match self.back(Call::Queue, None).await {
                        Ok(()) => taken,
                        Err(failure) => vec![Err(failure); chunk.len()],
                    }
                }
            };
            answers.extend(taken);
        }
        if self.makes(Mutation::ForwardFailureIgnored) {
            answers.fill(Ok(()));
        }
        answers
    }

    async fn postpone(&self, waits: &[(&str, Duration)]) -> Result<(), Failure> {
        self.reach(Call::Queue, None).await?;
        let now = self.world.now();
        if let Some(queue) = self.world.state().queues.get_mut(&self.invocation.stage) {
            for (handle, wait) in waits {
                // As the adapter: whole seconds, and no longer than SQS hides a message.
                queue.change_visibility(handle, now + (wait.as_secs() * 1000).min(LONGEST_HIDDEN));
            }
        }
        self.world.wake(self.invocation.stage);
        self.back(Call::Queue, None).await
    }

    async fn dead_letter(&self, message: &DeadLetter) -> Result<(), Failure> {
        if self.makes(Mutation::DeadLetterDropped) {
            return Ok(());
        }
        if self.makes(Mutation::PanickingRecordKept) && message.reason == DeadLetterReason::WorkPanicked.name() {
            return Err(Failure::transient_because("a record that panics is delivered again"));
        }
        let order = number_in(&message.body);
        self.reach(Call::Queue, order).await?;
        let now = self.world.now();
        let stage = self.invocation.stage;
        let sent_at = self.world.state().queues.get(&stage).and_then(|queue| queue.sent_at(&message.message_id));
        let message = DeadLettered {
            stage,
            sent_at,
            message_id: message.message_id.clone(),
            order,
            reason: Some(message.reason),
            body: message.body.clone(),
        };
        self.world.state().dead_letter(message, now);
        self.back(Call::Queue, order).await
    }
}

impl Ports {
    /// One entry of a batch; it can fail alone.
    fn forward_one(&self, message: &Message) -> Result<(), Failure> {
        let id = message.order_id();
        let stage = self.invocation.stage;
        let commits = !matches!(stage, Stage::Notify | Stage::Reconcile);
        if stage == Stage::Reconcile {
            judge_requeued(&self.world, id, orders(&self.invocation.swept).get(id).copied());
            if self.makes(Mutation::ReconcilerForwardsNothing) {
                return Ok(());
            }
        }
        if self.makes(Mutation::RedeliveryNotForwarded) && commits && !orders(&self.invocation.committed).contains(id) {
            return Ok(());
        }
        if self.makes(Mutation::ForwardBeforeCommit) && orders(&self.invocation.forwarded).contains(id) {
            return Ok(());
        }
        let now = self.world.now();
        let mut state = self.world.state();
        if state.is_down(Service::Queue(message.stage()), now) {
            state.narrate(now, number_of(id), || format!("FAULT the queue of {} is down", message.stage().name()));
            return Err(Failure::transient_because(format!("order {id} could not be forwarded")));
        }
        if state.should_inject(FaultKind::Throttle, now) {
            state.narrate(now, number_of(id), || "FAULT throttle: one message of a batch is not taken".to_owned());
            return Err(Failure::transient_because(format!("order {id} could not be forwarded")));
        }
        drop(state);
        self.send(message);
        Ok(())
    }
}
