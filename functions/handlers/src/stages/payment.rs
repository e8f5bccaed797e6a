//! Payment: asks the gateway to hold the order's total, then confirms the order, or declines it and releases its stock.

use order_domain::message::{Command, FulfilmentCommand, Message};
use order_domain::order::{Order, OrderStatus};
use order_domain::transition::Step;
use order_domain::wiring::{Stage, metric};

use super::{decide, refused, unknown};
use crate::batch::{Delivery, Handled};
use crate::consumer::Consumer;
use crate::ports::{Gateway, GatewayAnswer, Orders, Queue, Runtime};
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
        let consumer = Consumer { queue: &self.queue, runtime: &self.runtime, policy: self.policy };
        let authorise = async |delivery: &Delivery, order, _: Command| self.authorise(delivery, order).await;
        consumer.each_order(&self.database, batch, |id, _| unknown(id), authorise).await
    }

    async fn authorise(&self, delivery: &Delivery, order: Order) -> Handled {
        let occasion = || delivery.occasion(Stage::Payment, self.runtime.now());
        if !order.awaits_payment() && !order.may_hold_money_unknown_to_us() {
            // A redelivery after the answer was stored, or a command that came too early.
            return match order.declined(String::new(), &occasion()) {
                Step::Refuse(refusal) => Err(refused(refusal)),
                Step::TooEarly(_) | Step::Already | Step::Take(_) => Ok(next(&order)),
            };
        }
        let answer = self.gateway.authorise(&order, 1).await?;
        let decided = decide(&self.database, order, |order| match answer.clone() {
            GatewayAnswer::Authorised(authorisation) => order.authorised(authorisation, &occasion()),
            GatewayAnswer::Declined(code) => order.declined(code, &occasion()),
        })
        .await?;
        if decided.changed_from.is_some() {
            self.measure(&decided.order);
        }
        Ok(next(&decided.order))
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
