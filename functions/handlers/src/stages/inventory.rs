//! Inventory: reserves every line of the order in one transaction, or says which line ran out.

use std::collections::BTreeSet;

use futures::future::join_all;
use order_domain::id::OrderId;
use order_domain::message::{Command, Message};
use order_domain::order::{Order, OrderStatus};
use order_domain::transition::Step;
use order_domain::wiring::{Stage, metric};

use super::{ATTEMPTS, contended, unknown};
use crate::batch::{Delivery, Handled, contained, forward, settle};
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{Committed, Orders, Queue, Runtime, Stock};
use crate::retry::RetryPolicy;

/// The second stage.
#[derive(Debug)]
pub struct Inventory<D, Q, R> {
    /// Orders and stock.
    pub database: D,
    /// From validate, to payment.
    pub queue: Q,
    /// Clock, chance, metrics.
    pub runtime: R,
    /// The waits of retries.
    pub policy: RetryPolicy,
}

impl<D: Orders + Stock, Q: Queue, R: Runtime> Inventory<D, Q, R> {
    /// Works on a batch; the message ids to give back to the queue.
    pub async fn run(&self, batch: &[Delivery]) -> Vec<String> {
        let commands: Vec<Result<Command, Failure>> = batch.iter().map(Delivery::command).collect();
        let ids: BTreeSet<OrderId> = commands.iter().flatten().map(|command| command.order_id.clone()).collect();
        let orders = self.database.load(&ids).await;
        let handled = join_all(batch.iter().zip(commands).map(|(delivery, command)| {
            let orders = &orders;
            async move {
                let id = command?.order_id;
                let order = orders.as_ref().map_err(Clone::clone)?.get(&id).ok_or_else(|| unknown(&id))?;
                let work = self.reserve(delivery, order.clone());
                contained(&format!("order {id}"), self.runtime.remaining(), work).await
            }
        }))
        .await;
        let results = forward(&self.queue, handled).await;
        settle(&self.queue, &self.runtime, self.policy, batch, results).await
    }

    async fn reserve(&self, delivery: &Delivery, mut order: Order) -> Handled {
        let mut shards: Vec<u16> =
            order.lines.iter().map(|line| shard_of(&order.order_id, line.stock_shards)).collect();
        // Every line may have to be looked for in another shard once.
        for _ in 0..ATTEMPTS + order.lines.len() {
            let occasion = delivery.occasion(Stage::Inventory, self.runtime.now());
            let change = match order.reserve(&shards, &occasion) {
                Step::Take(change) => change,
                Step::Already => return Ok(next(&order)),
                Step::Refuse(refusal) | Step::TooEarly(refusal) => return Err(illegal(&order, refusal)),
            };
            match self.database.commit(&change).await? {
                Committed::Done => return Ok(next(change.order())),
                Committed::Stale(Some(newer)) => order = *newer,
                Committed::Stale(None) => return Err(unknown(&order.order_id)),
                Committed::StockShort(line) => {
                    let (Some(short), Some(shard)) = (order.lines.get(line), shards.get_mut(line)) else {
                        return Err(contended(&order.order_id));
                    };
                    match self.database.shard_with(&short.sku, short.quantity).await? {
                        Some(other) => *shard = other,
                        None => return self.out_of_stock(delivery, order, line).await,
                    }
                }
            }
        }
        Err(contended(&order.order_id))
    }

    async fn out_of_stock(&self, delivery: &Delivery, mut order: Order, line: usize) -> Handled {
        for _ in 0..ATTEMPTS {
            let occasion = delivery.occasion(Stage::Inventory, self.runtime.now());
            let Some(sku) = order.lines.get(line).map(|line| line.sku.clone()) else {
                return Err(contended(&order.order_id));
            };
            let change = match order.out_of_stock(sku, &occasion) {
                Step::Take(change) => change,
                Step::Already => return Ok(next(&order)),
                Step::Refuse(refusal) | Step::TooEarly(refusal) => return Err(illegal(&order, refusal)),
            };
            match self.database.commit(&change).await? {
                Committed::Done => {
                    self.runtime.count(metric::ORDERS_REJECTED, 1);
                    return Ok(None);
                }
                Committed::Stale(Some(newer)) => order = *newer,
                Committed::Stale(None) | Committed::StockShort(_) => return Err(unknown(&order.order_id)),
            }
        }
        Err(contended(&order.order_id))
    }
}

fn next(order: &Order) -> Option<Message> {
    (order.status == OrderStatus::Reserved).then(|| Command::authorise_payment(order.order_id.clone()))
}

fn illegal(order: &Order, refusal: order_domain::transition::Refusal) -> Failure {
    let what = format!("order {} refused a command", order.order_id);
    Failure::permanent(DeadLetterReason::IllegalCommand, what, refusal)
}

/// Spreads orders evenly over a SKU's stock items; FNV-1a, since it must give the same answer in every build.
fn shard_of(order_id: &OrderId, shards: u16) -> u16 {
    let hash = order_id
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    u16::try_from(hash % u64::from(shards.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_spread_evenly_over_shards() {
        let mut counts = [0; 4];
        for number in 0..4000 {
            counts[usize::from(shard_of(&OrderId::new(format!("ord-{number}")).unwrap(), 4))] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }
}
