//! Payment: asks the gateway to hold the order's total, then confirms the order, or declines it and releases its stock.

use std::collections::BTreeSet;

use futures::future::join_all;
use order_domain::id::OrderId;
use order_domain::message::{Command, FulfilmentCommand, Message};
use order_domain::order::{Order, OrderStatus};
use order_domain::transition::Step;
use order_domain::wiring::{Stage, metric};

use super::{ATTEMPTS, contended, inconsistent, unknown};
use crate::batch::{Delivery, Handled, contained, forward, settle};
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{Committed, Gateway, GatewayAnswer, Orders, Queue, Runtime};
use crate::retry::RetryPolicy;

/// The third stage.
#[derive(Debug)]
pub struct Payment<D, G, Q, R> {
    /// Orders.
    pub database: D,
    /// The payment gateway.
    pub gateway: G,
    /// From inventory, to fulfilment.
    pub queue: Q,
    /// Clock, chance, metrics.
    pub runtime: R,
    /// The waits of retries.
    pub policy: RetryPolicy,
}

impl<D: Orders, G: Gateway, Q: Queue, R: Runtime> Payment<D, G, Q, R> {
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
                let work = self.authorise(delivery, order.clone());
                contained(&format!("order {id}"), self.runtime.remaining(), work).await
            }
        }))
        .await;
        let results = forward(&self.queue, handled).await;
        settle(&self.queue, &self.runtime, self.policy, batch, results).await
    }

    async fn authorise(&self, delivery: &Delivery, mut order: Order) -> Handled {
        if !order.awaits_payment() && !order.may_hold_money_unknown_to_us() {
            // A redelivery after the answer was stored, or a command that came too early.
            let occasion = delivery.occasion(Stage::Payment, self.runtime.now());
            return match order.declined(String::new(), &occasion) {
                Step::Refuse(refusal) => Err(Failure::permanent(
                    DeadLetterReason::IllegalCommand,
                    format!("order {} refused a command", order.order_id),
                    refusal,
                )),
                Step::TooEarly(_) | Step::Already | Step::Take(_) => Ok(next(&order)),
            };
        }
        let answer = self.gateway.authorise(&order, 1).await?;
        for _ in 0..ATTEMPTS {
            let occasion = delivery.occasion(Stage::Payment, self.runtime.now());
            let step = match answer.clone() {
                GatewayAnswer::Authorised(authorisation) => order.authorised(authorisation, &occasion),
                GatewayAnswer::Declined(code) => order.declined(code, &occasion),
            };
            // Another delivery of the same command stored the same answer: the idempotency key makes it one payment.
            let Step::Take(change) = step else { return Ok(next(&order)) };
            match self.database.commit(&change).await? {
                Committed::Done => {
                    self.measure(change.order());
                    return Ok(next(change.order()));
                }
                Committed::Stale(Some(newer)) => order = *newer,
                Committed::Stale(None) => return Err(unknown(&order.order_id)),
                Committed::StockShort(_) => return Err(inconsistent(&order.order_id)),
            }
        }
        Err(contended(&order.order_id))
    }

    fn measure(&self, order: &Order) {
        match order.confirmed_at {
            Some(confirmed_at) => {
                self.runtime.count(metric::ORDERS_CONFIRMED, 1);
                self.runtime.time(metric::TIME_TO_CONFIRMATION, confirmed_at.since(order.created_at));
            }
            None if order.status == OrderStatus::PaymentDeclined => self.runtime.count(metric::ORDERS_REJECTED, 1),
            None => {}
        }
    }
}

/// An order that was cancelled while the gateway was asked has money to give back.
fn next(order: &Order) -> Option<Message> {
    let settle = || Message::Fulfilment(FulfilmentCommand::SettleMoney { order_id: order.order_id.clone() });
    order.money_due().map(|_| settle())
}
