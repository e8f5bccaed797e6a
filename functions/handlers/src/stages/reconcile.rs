//! Reconcile: finds orders that stopped moving, or of which the payment gateway told, and puts them back on the right queue.
//!
//! Of an order it changes nothing but when it is looked at next. The stage behind the queue decides, and does nothing where nothing is to be done: so a sweep
//! that runs twice, beside a live worker, or on a webhook that came late, out of order or again, makes nothing worse.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use order_contract::message::{FulfilmentCommand, Message, ReconcileCommand};
use order_contract::metric;
use order_domain::id::OrderId;
use order_domain::order::Order;
use order_domain::stage::Stage;
use order_domain::time::Timestamp;
use order_domain::transition::overdue::CHECK_AFTER;

use crate::batch::{Delivery, Handled};
use crate::consumer::StageContext;
use crate::failure::{DeadLetterReason, Failure, chain};
use crate::ports::{
    GatewayEvent, GatewayEventKind, Loaded, OpenOrders, Orders, Queue, Runtime, Signed, Webhook, Webhooks,
};

/// Next checks that are moved at the same time.
const CHECKS_AT_ONCE: usize = 25;

/// The stage beside the others.
#[derive(Debug)]
pub struct Reconcile<D, W, Q, R> {
    /// Tables, queues, clock. Messages: from the schedule and the API, to inventory, payment and fulfilment.
    pub context: StageContext<D, Q, R>,
    /// The gateway's webhooks.
    pub webhooks: W,
}

/// What a delivery asks for.
enum Asked {
    Sweep,
    Webhook(Signed),
}

impl<D: Orders + OpenOrders, W: Webhooks, Q: Queue, R: Runtime> Reconcile<D, W, Q, R> {
    /// Works on a batch; the message ids to give back to the queue.
    pub async fn run(&self, batch: &[Delivery]) -> Vec<String> {
        let consumer = self.context.consumer(Stage::Reconcile);
        let name = |asked: &Asked| match asked {
            Asked::Sweep => "a sweep".to_owned(),
            Asked::Webhook(_) => "a webhook".to_owned(),
        };
        let asked = batch.iter().map(asked).collect();
        let swept = AtomicBool::new(false);
        consumer
            .each(batch, asked, name, async |delivery, asked| match asked {
                // Many wait after an outage, and one looks for all of them.
                Asked::Sweep if swept.swap(true, Ordering::Relaxed) => Ok(None),
                Asked::Sweep => {
                    self.sweep().await?;
                    // The queue is webhooks' too, so that only this tells that the schedule is alive.
                    self.context.runtime.count(metric::SWEEPS, 1);
                    Ok(None)
                }
                Asked::Webhook(signed) => self.webhook(delivery, &signed).await,
            })
            .await
    }

    /// Puts the orders back on their queues whose next check is due.
    async fn sweep(&self) -> Result<(), Failure> {
        let now = self.context.runtime.now();
        let due: BTreeSet<OrderId> = self.context.database.due(now).await?.into_iter().collect();
        let (orders, unreadable) = apart(&due, self.context.database.load_each(&due).await?);
        // The index follows the table with a delay: what is stored says whether an order is due.
        let due: Vec<&Order> =
            orders.iter().filter(|order| order.next_check_at().is_some_and(|check| check <= now)).collect();
        let messages: Vec<(&Order, Message)> =
            due.iter().filter_map(|order| Some((*order, Message::recovery(order, now)?))).collect();
        let mut failed = None;
        let mut again: Vec<&Order> =
            due.iter().copied().filter(|order| order.recovery_command(now).is_none()).collect();
        if !messages.is_empty() {
            // A hold that is looked at because its time is over did not stop moving.
            let stopped = messages.iter().filter(|(order, _)| order.is_open()).count();
            self.context.runtime.count(metric::ORDERS_REQUEUED, stopped);
            tracing::warn!(orders = messages.len(), "orders that stopped moving are put back on their queues");
            let bodies: Vec<Message> = messages.iter().map(|(_, message)| message.clone()).collect();
            for ((order, _), sent) in messages.iter().zip(self.context.queue.forward(&bodies).await) {
                match sent {
                    Ok(()) => again.push(order),
                    Err(failure) => failed = Some(failure),
                }
            }
        }
        // Those that were sent are not sent again by the next sweep, whatever became of the others.
        for chunk in again.chunks(CHECKS_AT_ONCE) {
            let moved = chunk.iter().map(|order| self.context.database.defer_check(order, order.next_check_after(now)));
            for moved in join_all(moved).await {
                failed = moved.err().or(failed);
            }
        }
        failed = self.defer_unreadable_check(&unreadable, now).await.err().or(failed);
        failed.map_or(Ok(()), Err)
    }

    /// An order that cannot be read holds no other up: somebody has to see it, and the next version of this program may read
    /// it. It is looked at again later, so that it does not stand first in the index for ever.
    async fn defer_unreadable_check(&self, unreadable: &[(OrderId, Failure)], now: Timestamp) -> Result<(), Failure> {
        if unreadable.is_empty() {
            return Ok(());
        }
        self.context.runtime.count(metric::ORDERS_UNREADABLE, unreadable.len());
        for (order_id, failure) in unreadable {
            tracing::error!(%order_id, error = %chain(failure), "an order that is due cannot be read");
        }
        let mut failed = None;
        for chunk in unreadable.chunks(CHECKS_AT_ONCE) {
            let moved = chunk
                .iter()
                .map(|(id, _)| self.context.database.defer_unreadable_check(id, now, now.after(CHECK_AFTER)));
            for moved in join_all(moved).await {
                failed = moved.err().or(failed);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// What the gateway tells is a reason to look at the order, and nothing more: what is true, the stage asks itself.
    async fn webhook(&self, delivery: &Delivery, signed: &Signed) -> Handled {
        let event = match self.webhooks.verify(&delivery.body, signed).await? {
            Webhook::Genuine(event) => event,
            Webhook::Refused(reason) => {
                // Anybody can send one: it is counted and forgotten, so that nobody can fill the dead-letter queue.
                self.context.runtime.count(metric::WEBHOOKS_REFUSED, 1);
                tracing::warn!(message_id = %delivery.message_id, reason, "a webhook is not the gateway's");
                return Ok(None);
            }
        };
        let Some(order_id) = &event.order_id else { return Ok(None) };
        if let GatewayEventKind::RefundFailed { refund } = &event.kind {
            let (order_id, refund) = (order_id.clone(), refund.clone());
            return Ok(Some(Message::Fulfilment(FulfilmentCommand::ReportFailedRefund { order_id, refund })));
        }
        let mut orders = self.context.database.load(&BTreeSet::from([order_id.clone()])).await?;
        let order = orders.remove(order_id);
        Ok(order.and_then(|order| follows_from(&order, &event, self.context.runtime.now())))
    }
}

/// The orders that can be read, and those that cannot, in the order in which they were asked for.
fn apart(due: &BTreeSet<OrderId>, mut stored: Loaded<OrderId, Order>) -> (Vec<Order>, Vec<(OrderId, Failure)>) {
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    for (id, order) in due.iter().filter_map(|id| stored.remove_entry(id)) {
        match order {
            Ok(order) => readable.push(order),
            Err(failure) => unreadable.push((id, failure)),
        }
    }
    (readable, unreadable)
}

/// The message that looks after an order of which the gateway told; none where it knows already, or it is another payment.
fn follows_from(order: &Order, event: &GatewayEvent, now: Timestamp) -> Option<Message> {
    let ours = order.authorisation.as_ref().is_none_or(|held| held.payment_intent == event.payment_intent);
    match event.kind {
        GatewayEventKind::Canceled if ours && order.is_authorised_for_dispatch() => {
            Some(Message::Fulfilment(FulfilmentCommand::Reauthorise { order_id: order.order_id.clone() }))
        }
        GatewayEventKind::Authorised if order.does_not_need_payment(&event.payment_intent) => {
            let (order_id, payment_intent) = (order.order_id.clone(), event.payment_intent.clone());
            Some(Message::Fulfilment(FulfilmentCommand::CancelPayment { order_id, payment_intent }))
        }
        _ => Message::recovery(order, now).filter(|_| order.is_open()),
    }
}

fn asked(delivery: &Delivery) -> Result<Asked, Failure> {
    if let Some(signed) = &delivery.signed {
        return Ok(Asked::Webhook(signed.clone()));
    }
    match delivery.parsed::<ReconcileCommand>() {
        Ok(ReconcileCommand::Sweep) => Ok(Asked::Sweep),
        Err(Failure::Permanent { what, cause, .. }) => {
            Err(Failure::Permanent { what, reason: DeadLetterReason::NotACommand, cause })
        }
        Err(other) => Err(other),
    }
}
