//! What every stage behind a queue does with a batch: load its orders in one call, work on each of them so that its failure
//! stays its own, forward what follows, and settle the failures.

use std::collections::BTreeSet;

use futures::future::join_all;
use order_contract::message::ConcernsOrder;
use order_domain::event::Cause;
use order_domain::id::OrderId;
use order_domain::order::Order;
use order_domain::stage::Stage;

use crate::batch::{Delivery, Handled, contained, forward, settle};
use crate::decision::decide;
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{Orders, Queue, Runtime, readable};
use crate::retry::RetryPolicy;

/// What every stage behind a queue works with, for the length of a batch.
#[derive(Debug)]
pub struct StageContext<D, Q, R> {
    /// The tables.
    pub database: D,
    /// Where deliveries come from and messages go to.
    pub queue: Q,
    /// Clock, randomness, metrics.
    pub runtime: R,
    /// The waits of retries.
    pub policy: RetryPolicy,
}

impl<D, Q, R> StageContext<D, Q, R> {
    /// The stage's way to process a batch.
    pub const fn consumer(&self, stage: Stage) -> Consumer<'_, Q, R> {
        Consumer { stage, queue: &self.queue, runtime: &self.runtime, policy: self.policy }
    }
}

/// A stage's queues and runtime, for the length of a batch.
#[derive(Debug)]
pub struct Consumer<'a, Q, R> {
    /// Which stage.
    pub stage: Stage,
    /// Where deliveries come from and messages go to.
    pub queue: &'a Q,
    /// Clock, chance, metrics.
    pub runtime: &'a R,
    /// The waits of retries.
    pub policy: RetryPolicy,
}

impl<Q: Queue, R: Runtime> Consumer<'_, Q, R> {
    /// Works on every delivery with what was read from it; the message ids to give back to the queue.
    pub async fn each<T>(
        &self,
        batch: &[Delivery],
        read: Vec<Result<T, Failure>>,
        name: impl Fn(&T) -> String,
        work: impl AsyncFn(&Delivery, T) -> Handled,
    ) -> Vec<String> {
        let (name, work) = (&name, &work);
        let handled = join_all(batch.iter().zip(read).map(async |(delivery, read)| {
            let read = read?;
            // On the heap: the work on an order has kilobytes of states, which would be copied from hand to hand.
            contained(&name(&read), self.runtime.remaining(), Box::pin(work(delivery, read))).await
        }))
        .await;
        let results = forward(self.queue, handled).await;
        settle(self.queue, self.runtime, self.policy, batch, results).await
    }

    /// Works on the order of every command. `missing` says what it means that no such order is stored.
    pub async fn each_order<C: ConcernsOrder + serde::de::DeserializeOwned>(
        &self,
        database: &impl Orders,
        batch: &[Delivery],
        missing: impl Fn(&OrderId, &Delivery) -> Failure,
        work: impl AsyncFn(&Delivery, Order, C) -> Handled,
    ) -> Vec<String> {
        let commands: Vec<Result<C, Failure>> = batch.iter().map(Delivery::parsed).collect();
        let ids: BTreeSet<OrderId> = commands.iter().flatten().map(|command| command.order_id().clone()).collect();
        let orders = database.load_each(&ids).await;
        let (orders, missing, work) = (&orders, &missing, &work);
        let name = |command: &C| format!("order {}", command.order_id());
        self.each(batch, commands, name, async |delivery, command| {
            let id = command.order_id();
            let stored = readable(orders.as_ref().map_err(Clone::clone)?, id)?;
            let order = stored.ok_or_else(|| missing(id, delivery))?;
            let cause = command.cause();
            let handled = work(delivery, order.clone(), command).await;
            match &handled {
                Err(Failure::Permanent { reason, .. }) if reason.concerns_the_order() => {
                    self.flag_for_review(database, delivery, cause, order.clone(), *reason).await?;
                }
                _ => {}
            }
            handled
        })
        .await
    }

    /// The order says that a person has to look, before its message goes where a person finds it.
    async fn flag_for_review(
        &self,
        database: &impl Orders,
        delivery: &Delivery,
        cause: Cause,
        order: Order,
        reason: DeadLetterReason,
    ) -> Result<(), Failure> {
        let context = delivery.command_context(self.stage, cause, self.runtime.now());
        decide(database, order, |order| order.needs_attention(reason.name(), &context)).await.map(drop)
    }
}
