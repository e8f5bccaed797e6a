//! Fulfilment: records what the warehouse, the carrier and the customer report, ends reservations that expired, renews holds
//! that lapsed and gives back those that no order knows; then settles the money that the order's state makes due: dispatched
//! is captured, cancelled is voided, returned is refunded, or voided where it was not taken yet.

use std::collections::BTreeSet;
use std::time::Duration;

use order_contract::api::ShipmentUpdate;
use order_contract::message::{ConcernsOrder, FulfilmentCommand};
use order_contract::metric;
use order_domain::event::{Cause, CommandContext};
use order_domain::id::OrderId;
use order_domain::order::{Authorisation, Order, OrderStatus};
use order_domain::stage::Stage;
use order_domain::transition::{Decision, MoneyDue};

use super::authorisation::{authorise, cancel_unless_known};
use crate::batch::{Delivery, Handled};
use crate::consumer::StageContext;
use crate::decision::{ATTEMPTS, contended, decide, unknown};
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{CancelAnswer, CaptureAnswer, Gateway, GatewayAnswer, Inspection, Orders, Queue, Runtime};

/// A report can overtake the one before it, or the order that it is about, whose message may wait for as long as an outage
/// takes. One that is still early after this long is refused with its reason, before the queue gives it up without one.
const PATIENCE_WITH_AN_EARLY_REPORT: Duration = Duration::from_secs(2 * 60 * 60);

/// After this long nobody records a hold any more: a crash hides the message of whoever asked for it for some minutes (six
/// times its function's timeout).
const RECORDED_WITHIN: Duration = Duration::from_secs(15 * 60);

/// The stage after the confirmation.
#[derive(Debug)]
pub struct Fulfilment<D, G, Q, R> {
    /// Tables, queues, clock. Messages: from the API and from payment; to itself, for what has to be cancelled.
    pub context: StageContext<D, Q, R>,
    /// The payment gateway.
    pub gateway: G,
}

impl<D: Orders, G: Gateway, Q: Queue, R: Runtime> Fulfilment<D, G, Q, R> {
    /// Works on a batch; the message ids to give back to the queue.
    pub async fn run(&self, batch: &[Delivery]) -> Vec<String> {
        let consumer = self.context.consumer(Stage::Fulfilment);
        let fulfil = async |delivery: &Delivery, order, command| self.fulfil(delivery, order, &command).await;
        let now = self.context.runtime.now();
        let missing = |id: &OrderId, delivery: &Delivery| not_stored(id, now.since(delivery.sent_at));
        consumer.each_order(&self.context.database, batch, missing, fulfil).await
    }

    async fn fulfil(&self, delivery: &Delivery, order: Order, command: &FulfilmentCommand) -> Handled {
        let order = match command {
            FulfilmentCommand::CancelPayment { payment_intent, .. } => {
                return self.cancel_unknown_payment(delivery, &order, payment_intent).await.map(|()| None);
            }
            // The customer was told otherwise, and no retry brings the money back: a person has to.
            FulfilmentCommand::ReportFailedRefund { order_id, refund } => {
                return Err(Failure::Permanent {
                    what: format!("refund {refund} of order {order_id} came back to the gateway"),
                    reason: DeadLetterReason::RefundReturned,
                    cause: None,
                });
            }
            FulfilmentCommand::Reauthorise { .. } => self.record_expiry(delivery, order).await?,
            _ => self.record(delivery, order, command).await?,
        };
        self.settle_money(delivery, command.cause(), order).await.map(|()| None)
    }

    /// Commits what is reported; the order as it stands then.
    async fn record(&self, delivery: &Delivery, order: Order, command: &FulfilmentCommand) -> Result<Order, Failure> {
        let context = delivery.command_context(Stage::Fulfilment, command.cause(), self.context.runtime.now());
        let too_old = context.at.since(delivery.sent_at) > PATIENCE_WITH_AN_EARLY_REPORT;
        let decided = decide(&self.context.database, order, |order| match answer(order, command, &context) {
            Decision::Defer(refusal) if too_old => Decision::Reject(refusal),
            step => step,
        })
        .await?;
        if let Some(before) = &decided.changed_from {
            self.measure(before, &decided.order);
        }
        Ok(decided.order)
    }

    /// Asks the gateway for what the order's states make due, until nothing is.
    async fn settle_money(&self, delivery: &Delivery, cause: Cause, mut order: Order) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS {
            let Some(due) = order.money_due() else { return Ok(()) };
            let fact = match self.ask(&order, due).await? {
                Some(fact) => fact,
                None => {
                    order = self.reload(&order).await?;
                    continue;
                }
            };
            let context = delivery.command_context(Stage::Fulfilment, cause, self.context.runtime.now());
            // What the gateway did is a fact, however the order changed meanwhile.
            let decided = decide(&self.context.database, order, |order| fact.recorded_by(order, &context)).await?;
            if let Some(before) = &decided.changed_from {
                self.measure(before, &decided.order);
            } else if let Fact::AuthorisedAnew(anew) = &fact {
                cancel_unless_known(&self.context.queue, &decided.order, anew).await?;
            }
            order = decided.order;
        }
        Err(contended(&order.order_id))
    }

    /// The gateway told of a hold that the order does not know. Whoever asked for it may still be about to record it; when
    /// nobody does, because its process died or its order was settled meanwhile, it goes back.
    async fn cancel_unknown_payment(
        &self,
        delivery: &Delivery,
        order: &Order,
        payment_intent: &str,
    ) -> Result<(), Failure> {
        if !order.does_not_need_payment(payment_intent) {
            return Ok(());
        }
        let age = self.context.runtime.now().since(delivery.sent_at);
        if age < RECORDED_WITHIN {
            return Err(Failure::Early {
                what: format!("payment {payment_intent} may still become the hold of order {}", order.order_id),
                wait: RECORDED_WITHIN.saturating_sub(age),
                cause: None,
            });
        }
        tracing::warn!(order_id = %order.order_id, payment_intent, "a hold that its order does not know is given up");
        self.gateway.cancel_payment(order, payment_intent).await
    }

    async fn reload(&self, order: &Order) -> Result<Order, Failure> {
        let mut stored = self.context.database.load(&BTreeSet::from([order.order_id.clone()])).await?;
        stored.remove(&order.order_id).ok_or_else(|| unknown(&order.order_id))
    }

    /// Asks the gateway for what is due; `None` where the order has changed meanwhile and something else is.
    async fn ask(&self, order: &Order, due: MoneyDue) -> Result<Option<Fact>, Failure> {
        match due {
            MoneyDue::Capture => match self.gateway.capture(order).await? {
                CaptureAnswer::Captured => Ok(Some(Fact::Captured)),
                // Lapsed, or given up by another worker, for whom something else was due: what is stored by now tells.
                CaptureAnswer::Expired if self.reload(order).await?.version != order.version => Ok(None),
                CaptureAnswer::Expired => match self.reauthorise(order).await? {
                    GatewayAnswer::Authorised(anew) => Ok(Some(Fact::AuthorisedAnew(anew))),
                    GatewayAnswer::Declined(code) => Err(Failure::Permanent {
                        what: format!("order {} is on its way unpaid: {code}", order.order_id),
                        reason: DeadLetterReason::MoneyLost,
                        cause: None,
                    }),
                },
            },
            MoneyDue::Void => match self.gateway.cancel(order).await? {
                CancelAnswer::Cancelled => Ok(Some(Fact::Voided)),
                CancelAnswer::AlreadyCaptured => Ok(Some(Fact::Captured)),
            },
            MoneyDue::Refund(amount) => {
                // The gateway forgets keys, and an earlier try may be days old: whether it gave the money back is asked.
                let in_all = order.refunded + amount;
                let given_back = self.gateway.inspect(order).await?;
                if matches!(given_back, Inspection::Captured { refunded } if refunded >= in_all) {
                    return Ok(Some(Fact::Refunded { in_all }));
                }
                self.gateway.refund(order, amount).await.map(|()| Some(Fact::Refunded { in_all }))
            }
        }
    }

    /// Another hold for a lapsed one.
    async fn reauthorise(&self, order: &Order) -> Result<GatewayAnswer, Failure> {
        let next = order.authorisation.as_ref().map_or(1, |authorisation| authorisation.attempt.saturating_add(1));
        authorise(&self.gateway, order, next, order.updated_at, self.context.runtime.now()).await
    }

    /// An order that waits for its dispatch keeps its money held, or is cancelled. The clock only says when to look: what is
    /// held, the gateway says.
    async fn record_expiry(&self, delivery: &Delivery, order: Order) -> Result<Order, Failure> {
        if !order.is_authorised_for_dispatch() {
            return Ok(order);
        }
        if self.gateway.inspect(&order).await? != Inspection::Expired {
            return Ok(order);
        }
        let answer = self.reauthorise(&order).await?;
        let context = delivery.command_context(Stage::Fulfilment, Cause::Reauthorise, self.context.runtime.now());
        let lapsed = order.authorisation.clone();
        let decided = decide(&self.context.database, order, |order| match answer.clone() {
            // Another worker made a hold meanwhile: the refusal is of no account.
            GatewayAnswer::Declined(_) if order.authorisation != lapsed => Decision::NoOp,
            GatewayAnswer::Authorised(anew) => order.reauthorised(anew, &context),
            GatewayAnswer::Declined(code) => order.authorisation_expired(code, &context),
        })
        .await?;
        if let Some(before) = &decided.changed_from {
            self.measure(before, &decided.order);
        } else if let GatewayAnswer::Authorised(anew) = &answer {
            cancel_unless_known(&self.context.queue, &decided.order, anew).await?;
        }
        Ok(decided.order)
    }

    fn measure(&self, before: &Order, after: &Order) {
        let became = |status| before.status != status && after.status == status;
        for (happened, name) in [
            (became(OrderStatus::Completed), metric::ORDERS_COMPLETED),
            (became(OrderStatus::Cancelled), metric::ORDERS_CANCELLED),
            (after.refunded > before.refunded, metric::REFUNDS),
        ] {
            if happened {
                self.context.runtime.count(name, 1);
            }
        }
    }
}

fn answer(order: &Order, command: &FulfilmentCommand, context: &CommandContext) -> Decision {
    match command {
        FulfilmentCommand::RecordShipment { shipment: update } => match update {
            ShipmentUpdate::Dispatched { shipment, .. } => order.dispatched(shipment.clone(), context),
            ShipmentUpdate::Delivered { .. } => order.delivered(context),
            ShipmentUpdate::Returned { refund, .. } => order.returned(*refund, context),
        },
        FulfilmentCommand::CancelOrder { cancellation, .. } => order.cancelled(cancellation.reason, context),
        FulfilmentCommand::ExpireReservation { .. } => order.expired(context),
        FulfilmentCommand::SettleMoney { .. }
        | FulfilmentCommand::Reauthorise { .. }
        | FulfilmentCommand::CancelPayment { .. }
        | FulfilmentCommand::ReportFailedRefund { .. } => Decision::NoOp,
    }
}

/// What the gateway did.
enum Fact {
    Captured,
    AuthorisedAnew(Authorisation),
    Voided,
    Refunded { in_all: u64 },
}

impl Fact {
    fn recorded_by(&self, order: &Order, context: &CommandContext) -> Decision {
        match self {
            Self::Captured => order.captured(context),
            Self::AuthorisedAnew(anew) => order.reauthorised(anew.clone(), context),
            Self::Voided => order.voided(context),
            Self::Refunded { in_all } => order.refunded(*in_all, context),
        }
    }
}

fn not_stored(id: &OrderId, age: Duration) -> Failure {
    if age < PATIENCE_WITH_AN_EARLY_REPORT {
        Failure::too_early(format!("order {id} is not stored yet"), None)
    } else {
        unknown(id)
    }
}
