//! Fulfilment: records what the warehouse, the carrier and the customer report, then settles the money that the order's
//! new state makes due: dispatched is captured, cancelled is voided, returned is refunded.

use order_domain::event::Occasion;
use order_domain::id::OrderId;
use order_domain::message::{FulfilmentCommand, ShipmentUpdate};
use order_domain::order::{Order, OrderStatus};
use order_domain::transition::{MoneyDue, Step};
use order_domain::wiring::{Stage, metric};

use super::{ATTEMPTS, contended, decide, inconsistent, unknown};
use crate::batch::{Delivery, Handled};
use crate::consumer::Consumer;
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{CaptureAnswer, Committed, Gateway, GatewayAnswer, Orders, Queue, Runtime};
use crate::retry::RetryPolicy;

/// A report can overtake the order that it is about; after this many receives the order is taken to be unknown.
const RECEIVES_OF_AN_UNKNOWN_ORDER: u32 = 6;

/// The stage after the confirmation.
#[derive(Debug)]
pub struct Fulfilment<D, G, Q, R> {
    /// Orders.
    pub database: D,
    /// The payment gateway.
    pub gateway: G,
    /// From the API and from payment; to nowhere.
    pub queue: Q,
    /// Clock, chance, metrics.
    pub runtime: R,
    /// The waits of retries.
    pub policy: RetryPolicy,
}

impl<D: Orders, G: Gateway, Q: Queue, R: Runtime> Fulfilment<D, G, Q, R> {
    /// Works on a batch; the message ids to give back to the queue.
    pub async fn run(&self, batch: &[Delivery]) -> Vec<String> {
        let consumer = Consumer { queue: &self.queue, runtime: &self.runtime, policy: self.policy };
        let fulfil = async |delivery: &Delivery, order, command| self.fulfil(delivery, order, &command).await;
        consumer.each_order(&self.database, batch, not_stored, fulfil).await
    }

    async fn fulfil(&self, delivery: &Delivery, order: Order, command: &FulfilmentCommand) -> Handled {
        let order = self.record(delivery, order, command).await?;
        self.settle_money(delivery, order).await.map(|()| None)
    }

    /// Commits what is reported; the order as it stands then.
    async fn record(&self, delivery: &Delivery, order: Order, command: &FulfilmentCommand) -> Result<Order, Failure> {
        let occasion = delivery.occasion(Stage::Fulfilment, self.runtime.now());
        let decided = decide(&self.database, order, |order| answer(order, command, &occasion)).await?;
        if let Some(before) = &decided.changed_from {
            self.measure(before, &decided.order);
        }
        Ok(decided.order)
    }

    /// Asks the gateway for what the order's states make due, until nothing is.
    async fn settle_money(&self, delivery: &Delivery, mut order: Order) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS {
            let Some(due) = order.money_due() else { return Ok(()) };
            let step = self.ask(delivery, &order, due).await?;
            // Another worker settled the same meanwhile; its keys were ours.
            let Step::Take(change) = step else { return Ok(()) };
            match self.database.commit(&change).await? {
                Committed::Done => {
                    self.measure(&order, change.order());
                    order = change.into_order();
                }
                Committed::Stale(Some(newer)) => order = *newer,
                Committed::Stale(None) => return Err(unknown(&order.order_id)),
                Committed::StockShort(_) => return Err(inconsistent(&order.order_id)),
            }
        }
        Err(contended(&order.order_id))
    }

    async fn ask(&self, delivery: &Delivery, order: &Order, due: MoneyDue) -> Result<Step, Failure> {
        let occasion = || delivery.occasion(Stage::Fulfilment, self.runtime.now());
        match due {
            MoneyDue::Capture => match self.gateway.capture(order).await? {
                CaptureAnswer::Captured => Ok(order.captured(&occasion())),
                CaptureAnswer::Lapsed => {
                    let attempt = order.authorisation.as_ref().map_or(1, |authorisation| authorisation.attempt + 1);
                    match self.gateway.authorise(order, attempt).await? {
                        GatewayAnswer::Authorised(anew) => Ok(order.authorised_anew(anew, &occasion())),
                        GatewayAnswer::Declined(code) => Err(Failure::Permanent {
                            what: format!("order {} is on its way unpaid: {code}", order.order_id),
                            reason: DeadLetterReason::MoneyLost,
                            cause: None,
                        }),
                    }
                }
            },
            MoneyDue::Void => self.gateway.void(order).await.map(|()| order.voided(&occasion())),
            MoneyDue::Refund(amount) => {
                self.gateway.refund(order, amount).await.map(|()| order.refunded(amount, &occasion()))
            }
        }
    }

    fn measure(&self, before: &Order, after: &Order) {
        let became = |status| before.status != status && after.status == status;
        for (happened, name) in [
            (became(OrderStatus::Completed), metric::ORDERS_COMPLETED),
            (became(OrderStatus::Cancelled), metric::ORDERS_CANCELLED),
            (after.refunded > before.refunded, metric::REFUNDS),
        ] {
            if happened {
                self.runtime.count(name, 1);
            }
        }
    }
}

fn answer(order: &Order, command: &FulfilmentCommand, occasion: &Occasion) -> Step {
    match command {
        FulfilmentCommand::RecordShipment { shipment: update } => match update {
            ShipmentUpdate::Dispatched { shipment, .. } => order.dispatched(shipment.clone(), occasion),
            ShipmentUpdate::Delivered { .. } => order.delivered(occasion),
            ShipmentUpdate::Returned { refund, .. } => order.returned(*refund, occasion),
        },
        FulfilmentCommand::CancelOrder { cancellation, .. } => match order.cancelled(cancellation.reason, occasion) {
            // The customer hears that it is too late, and the history shows that it was asked for.
            Step::Refuse(_) => order.cancellation_refused(cancellation.reason, occasion),
            step => step,
        },
        FulfilmentCommand::SettleMoney { .. } => Step::Already,
    }
}

fn not_stored(id: &OrderId, delivery: &Delivery) -> Failure {
    if delivery.receive_count < RECEIVES_OF_AN_UNKNOWN_ORDER {
        Failure::transient_because(format!("order {id} is not stored yet"))
    } else {
        unknown(id)
    }
}
