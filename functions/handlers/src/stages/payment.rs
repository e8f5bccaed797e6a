//! Payment: asks the gateway to hold the order's total, then confirms the order, or declines it and releases its stock.

use order_contract::message::{Command, FulfilmentCommand, Message};
use order_contract::metric;
use order_domain::event::Cause;
use order_domain::order::{Order, OrderStatus};
use order_domain::stage::Stage;

use super::authorisation::{FIRST_ATTEMPT, authorise, cancel_unless_known, find};
use crate::batch::{Delivery, Handled};
use crate::consumer::StageContext;
use crate::decision::{decide, refused, unknown};
use crate::failure::Failure;
use crate::ports::{Gateway, GatewayAnswer, Orders, Queue, Runtime, SEARCH_IS_CURRENT_AFTER};

/// The third stage.
#[derive(Debug)]
pub struct Payment<D, G, Q, R> {
    /// Tables, queues, clock. Messages: from inventory, to fulfilment.
    pub context: StageContext<D, Q, R>,
    /// The payment gateway.
    pub gateway: G,
}

impl<D: Orders, G: Gateway, Q: Queue, R: Runtime> Payment<D, G, Q, R> {
    /// Works on a batch; the message ids to give back to the queue.
    pub async fn run(&self, batch: &[Delivery]) -> Vec<String> {
        let consumer = self.context.consumer(Stage::Payment);
        let authorise = async |delivery: &Delivery, order, _: Command| self.authorise(delivery, order).await;
        consumer.each_order(&self.context.database, batch, |id, _| unknown(id), authorise).await
    }

    async fn authorise(&self, delivery: &Delivery, order: Order) -> Handled {
        let context = || delivery.command_context(Stage::Payment, Cause::AuthorisePayment, self.context.runtime.now());
        if !order.awaits_payment() && !order.may_have_unknown_authorisation() {
            // A redelivery after the answer was stored, or a command that came too early.
            return match order.payment_is_settled() {
                Ok(()) => Ok(next(&order)),
                Err(refusal) => Err(refused(refusal)),
            };
        }
        let Some(answer) = self.ask(&order).await? else {
            let decided = decide(&self.context.database, order, |order| order.nothing_authorised(&context())).await?;
            return Ok(next(&decided.order));
        };
        let decided = decide(&self.context.database, order, |order| match answer.clone() {
            GatewayAnswer::Authorised(authorisation) => order.authorised(authorisation, &context()),
            GatewayAnswer::Declined(code) if order.may_have_unknown_authorisation() => {
                tracing::info!(order_id = %order.order_id, code, "nothing is held for a cancelled order");
                order.nothing_authorised(&context())
            }
            GatewayAnswer::Declined(code) => order.declined(code, &context()),
        })
        .await?;
        match (&decided.changed_from, &answer) {
            (Some(_), _) => self.measure(&decided.order),
            // Another worker was faster, with another answer.
            (None, GatewayAnswer::Authorised(hold)) => {
                cancel_unless_known(&self.context.queue, &decided.order, hold).await?;
            }
            (None, GatewayAnswer::Declined(_)) => {}
        }
        Ok(next(&decided.order))
    }

    /// The gateway's answer for the order; `None` where it was cancelled and nothing is held for it.
    async fn ask(&self, order: &Order) -> Result<Option<GatewayAnswer>, Failure> {
        let now = self.context.runtime.now();
        let since = order.reserved_at.unwrap_or(order.created_at);
        if order.awaits_payment() {
            return authorise(&self.gateway, order, FIRST_ATTEMPT, since, now).await.map(Some);
        }
        // Nobody asks for a cancelled order's money any more: what was asked before is looked for, once it can be found.
        let quiet = now.since(order.updated_at);
        if quiet < SEARCH_IS_CURRENT_AFTER {
            return Err(Failure::Early {
                what: format!(
                    "whether the gateway holds money for cancelled order {} is not known yet",
                    order.order_id
                ),
                wait: SEARCH_IS_CURRENT_AFTER.saturating_sub(quiet),
                cause: None,
            });
        }
        find(&self.gateway, order, FIRST_ATTEMPT).await
    }

    fn measure(&self, order: &Order) {
        match order.confirmed_at {
            Some(confirmed_at) => {
                self.context.runtime.count(metric::ORDERS_CONFIRMED, 1);
                self.context.runtime.time(metric::TIME_TO_CONFIRMATION, confirmed_at.since(order.created_at));
            }
            None if order.status == OrderStatus::PaymentDeclined => {
                self.context.runtime.count(metric::ORDERS_REJECTED, 1)
            }
            None => {}
        }
    }
}

/// An order that was cancelled while the gateway was asked has money to give back.
fn next(order: &Order) -> Option<Message> {
    let settle = || Message::Fulfilment(FulfilmentCommand::SettleMoney { order_id: order.order_id.clone() });
    order.money_due().map(|_| settle())
}
