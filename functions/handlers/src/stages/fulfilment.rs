//! Fulfilment: records the reports of the warehouse, the carrier and the customer, ends expired reservations, re-authorises
//! expired authorisations and cancels payments that no order knows. Then it settles the money that is due: it captures for a
//! dispatched order, voids for a cancelled one, and refunds for a returned one, or voids if nothing was captured yet.

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

/// A report can overtake an earlier one, or its order, whose message may wait for an outage to end. A report that is still
/// early after this time is refused with its reason, before the queue dead-letters it without one.
const PATIENCE_WITH_AN_EARLY_REPORT: Duration = Duration::from_secs(2 * 60 * 60);

/// After this time no worker records an authorisation any more: after a crash, its message is hidden for some minutes (six
/// times the function's timeout).
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
    /// Processes a batch. Returns the ids of the messages that return to the queue.
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
            // The customer was notified of the refund, and no retry can help: a person has to refund in another way.
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

    /// Commits the report. Returns the order after it.
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

    /// Asks the gateway for the due money, until nothing is due.
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
            } else if let Fact::Reauthorised(authorisation) = &fact {
                cancel_unless_known(&self.context.queue, &decided.order, authorisation).await?;
            }
            order = decided.order;
        }
        Err(contended(&order.order_id))
    }

    /// Cancels a payment that the gateway reported and the order does not know. The worker that asked for it may still record
    /// it. If none does, because it crashed or the order ended meanwhile, the payment is cancelled.
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
                what: format!(
                    "payment {payment_intent} may still become the authorisation of order {}",
                    order.order_id
                ),
                wait: RECORDED_WITHIN.saturating_sub(age),
                cause: None,
            });
        }
        tracing::warn!(order_id = %order.order_id, payment_intent, "a payment that its order does not know is cancelled");
        self.gateway.cancel_payment(order, payment_intent).await
    }

    async fn reload(&self, order: &Order) -> Result<Order, Failure> {
        let mut stored = self.context.database.load(&BTreeSet::from([order.order_id.clone()])).await?;
        stored.remove(&order.order_id).ok_or_else(|| unknown(&order.order_id))
    }

    /// Asks the gateway for the due money; `None` if the order changed meanwhile, so that something else is due.
    async fn ask(&self, order: &Order, due: MoneyDue) -> Result<Option<Fact>, Failure> {
        match due {
            MoneyDue::Capture => match self.gateway.capture(order).await? {
                CaptureAnswer::Captured => Ok(Some(Fact::Captured)),
                // Expired, or voided by another worker after a change of the order: the stored order shows which.
                CaptureAnswer::Expired if self.reload(order).await?.version != order.version => Ok(None),
                CaptureAnswer::Expired => match self.reauthorise(order).await? {
                    GatewayAnswer::Authorised(authorisation) => Ok(Some(Fact::Reauthorised(authorisation))),
                    GatewayAnswer::Declined(code) => Err(Failure::Permanent {
                        what: format!(
                            "order {} is dispatched and its money cannot be authorised: {code}",
                            order.order_id
                        ),
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
                // The gateway forgets keys, and an earlier attempt may be days old: it is asked for the refunded sum first.
                let in_all = order.refunded + amount;
                let inspected = self.gateway.inspect(order).await?;
                if matches!(inspected, Inspection::Captured { refunded } if refunded >= in_all) {
                    return Ok(Some(Fact::Refunded { in_all }));
                }
                self.gateway.refund(order, amount).await.map(|()| Some(Fact::Refunded { in_all }))
            }
        }
    }

    /// Asks for another authorisation after one expired.
    async fn reauthorise(&self, order: &Order) -> Result<GatewayAnswer, Failure> {
        let next = order.authorisation.as_ref().map_or(1, |authorisation| authorisation.attempt.saturating_add(1));
        authorise(&self.gateway, order, next, order.updated_at, self.context.runtime.now()).await
    }

    /// Re-authorises an order that waits for its dispatch, or cancels it. The clock only says when to check: the gateway says
    /// whether the authorisation has expired.
    async fn record_expiry(&self, delivery: &Delivery, order: Order) -> Result<Order, Failure> {
        if !order.is_authorised_for_dispatch() {
            return Ok(order);
        }
        if self.gateway.inspect(&order).await? != Inspection::Expired {
            return Ok(order);
        }
        let answer = self.reauthorise(&order).await?;
        let context = delivery.command_context(Stage::Fulfilment, Cause::Reauthorise, self.context.runtime.now());
        let expired = order.authorisation.clone();
        let decided = decide(&self.context.database, order, |order| match answer.clone() {
            // Another worker re-authorised the order meanwhile: the refusal does not count.
            GatewayAnswer::Declined(_) if order.authorisation != expired => Decision::NoOp,
            GatewayAnswer::Authorised(authorisation) => order.reauthorised(authorisation, &context),
            GatewayAnswer::Declined(code) => order.authorisation_expired(code, &context),
        })
        .await?;
        if let Some(before) = &decided.changed_from {
            self.measure(before, &decided.order);
        } else if let GatewayAnswer::Authorised(authorisation) = &answer {
            cancel_unless_known(&self.context.queue, &decided.order, authorisation).await?;
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

/// An action of the gateway.
enum Fact {
    Captured,
    Reauthorised(Authorisation),
    Voided,
    Refunded { in_all: u64 },
}

impl Fact {
    fn recorded_by(&self, order: &Order, context: &CommandContext) -> Decision {
        match self {
            Self::Captured => order.captured(context),
            Self::Reauthorised(authorisation) => order.reauthorised(authorisation.clone(), context),
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
