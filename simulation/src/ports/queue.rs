//! The queues as the stages see them.

use std::time::Duration;

use order_domain::message::Message;
use order_handlers::failure::Failure;
use order_handlers::ports::{DeadLetter, Queue};

use super::{Call, Ports};
use crate::fault::FaultKind;
use crate::invocation::orders;
use crate::mutation::Mutation;
use crate::workload::{number_in, number_of};
use crate::world::Letter;

impl Queue for Ports {
    async fn forward(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let mut answers = match self.reach(Call::Queue, None).await {
            Err(failure) => vec![Err(failure); messages.len()],
            Ok(()) => {
                let answers: Vec<_> = messages.iter().map(|message| self.forward_one(message)).collect();
                match self.back(Call::Queue, None).await {
                    Ok(()) => answers,
                    Err(failure) => vec![Err(failure); messages.len()],
                }
            }
        };
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
                // As the adapter: whole seconds.
                queue.change_visibility(handle, now + wait.as_secs() * 1000);
            }
        }
        self.world.ring(self.invocation.stage);
        self.back(Call::Queue, None).await
    }

    async fn bury(&self, letter: &DeadLetter) -> Result<(), Failure> {
        if self.makes(Mutation::DeadLetterDropped) {
            return Ok(());
        }
        let order = number_in(&letter.body);
        self.reach(Call::Queue, order).await?;
        let now = self.world.now();
        let letter = Letter {
            stage: self.invocation.stage,
            message_id: letter.message_id.clone(),
            order,
            reason: Some(letter.reason),
            body: letter.body.clone(),
        };
        self.world.state().bury(letter, now);
        self.back(Call::Queue, order).await
    }
}

impl Ports {
    /// One entry of a batch; it can fail alone.
    fn forward_one(&self, message: &Message) -> Result<(), Failure> {
        let id = message.order_id();
        if self.makes(Mutation::RedeliveryNotForwarded) && !orders(&self.invocation.committed).contains(id) {
            return Ok(());
        }
        if self.makes(Mutation::ForwardBeforeCommit) && orders(&self.invocation.forwarded).contains(id) {
            return Ok(());
        }
        let now = self.world.now();
        let mut state = self.world.state();
        if state.strikes(FaultKind::Throttle, now) {
            state.tell(now, number_of(id), || "FAULT throttle: one message of a batch is not taken".to_owned());
            return Err(Failure::transient_because(format!("order {id} could not be forwarded")));
        }
        drop(state);
        self.send(message);
        Ok(())
    }
}
