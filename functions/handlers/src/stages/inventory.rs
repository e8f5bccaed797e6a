//! Inventory: reserves every line of the order in one transaction, or says which line ran out.

use order_contract::message::{Command, Message};
use order_contract::metric;
use order_domain::event::Cause;
use order_domain::id::OrderId;
use order_domain::order::{Line, Order, OrderStatus};
use order_domain::stage::Stage;
use order_domain::stock::{StockPart, most_parts, spread};
use order_domain::transition::Decision;

use crate::batch::{Delivery, Handled};
use crate::consumer::StageContext;
use crate::decision::{ATTEMPTS, contended, decide, refused, unknown};
use crate::ports::{Committed, Orders, Queue, Runtime, Stock};

/// The second stage.
#[derive(Debug)]
pub struct Inventory<D, Q, R> {
    /// Tables, queues, clock. Messages: from validate, to payment.
    pub context: StageContext<D, Q, R>,
}

impl<D: Orders + Stock, Q: Queue, R: Runtime> Inventory<D, Q, R> {
    /// Works on a batch; the message ids to give back to the queue.
    pub async fn run(&self, batch: &[Delivery]) -> Vec<String> {
        let consumer = self.context.consumer(Stage::Inventory);
        let reserve = async |delivery: &Delivery, order, _: Command| self.reserve(delivery, order).await;
        consumer.each_order(&self.context.database, batch, |id, _| unknown(id), reserve).await
    }

    async fn reserve(&self, delivery: &Delivery, mut order: Order) -> Handled {
        // First each line whole, from the shard that the order's id picks: orders spread evenly without looking.
        let whole = |line: &Line| {
            vec![StockPart { shard: shard_of(&order.order_id, line.stock_shards), quantity: line.quantity }]
        };
        let mut parts: Vec<Vec<StockPart>> = order.lines.iter().map(whole).collect();
        // Every line may have to be looked for in other shards once.
        for _ in 0..ATTEMPTS + order.lines.len() {
            let context = delivery.command_context(Stage::Inventory, Cause::ReserveStock, self.context.runtime.now());
            let change = match order.reserve(&parts, &context) {
                Decision::Apply(change) => change,
                Decision::NoOp => return Ok(next(&order)),
                Decision::Reject(refusal) | Decision::Defer(refusal) => return Err(refused(refusal)),
            };
            match self.context.database.commit(&change).await? {
                Committed::Done => return Ok(next(change.order())),
                Committed::Stale(Some(newer)) => order = *newer,
                Committed::Stale(None) => return Err(unknown(&order.order_id)),
                Committed::StockShort(line) => {
                    let (Some(short), Some(place)) = (order.lines.get(line), parts.get_mut(line)) else {
                        return Err(contended(&order.order_id));
                    };
                    let free = self.context.database.free_units(&short.sku).await?;
                    match spread(short.quantity, &free, most_parts(order.lines.len())) {
                        Some(found) => *place = found,
                        None => return self.out_of_stock(delivery, order, line).await,
                    }
                }
            }
        }
        Err(contended(&order.order_id))
    }

    async fn out_of_stock(&self, delivery: &Delivery, order: Order, line: usize) -> Handled {
        let Some(sku) = order.lines.get(line).map(|line| line.sku.clone()) else {
            return Err(contended(&order.order_id));
        };
        let context = delivery.command_context(Stage::Inventory, Cause::ReserveStock, self.context.runtime.now());
        let decided = decide(&self.context.database, order, |order| order.out_of_stock(sku.clone(), &context)).await?;
        if decided.changed_from.is_some() {
            self.context.runtime.count(metric::ORDERS_REJECTED, 1);
        }
        Ok(next(&decided.order))
    }
}

fn next(order: &Order) -> Option<Message> {
    (order.status == OrderStatus::Reserved).then(|| Command::authorise_payment(order.order_id.clone()))
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
