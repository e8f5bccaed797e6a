//! Validate: parses an order, prices it from the catalogue, and stores it under the client's id, once.

use std::collections::BTreeSet;

use order_contract::message::{Command, Message};
use order_contract::metric;
use order_domain::catalogue::{Priced, price};
use order_domain::event::Cause;
use order_domain::fingerprint::Fingerprint;
use order_domain::id::Sku;
use order_domain::order::{Order, OrderStatus, RejectionReason};
use order_domain::request::PlaceOrder;
use order_domain::stage::Stage;
use order_domain::transition::receive;

use crate::batch::{Delivery, Handled};
use crate::consumer::StageContext;
use crate::decision::{decide, unknown};
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{Catalogue, Committed, Orders, Prices, Queue, Runtime};

/// The first stage.
#[derive(Debug)]
pub struct Validate<D, Q, R> {
    /// Tables, queues, clock. Messages: from the API, to inventory.
    pub context: StageContext<D, Q, R>,
}

impl<D: Catalogue + Orders, Q: Queue, R: Runtime> Validate<D, Q, R> {
    /// Works on a batch; the message ids to give back to the queue.
    pub async fn run(&self, batch: &[Delivery]) -> Vec<String> {
        let requests: Vec<Result<PlaceOrder, Failure>> = batch.iter().map(parse).collect();
        let prices = self.prices(&requests).await;
        let name = |request: &PlaceOrder| format!("order {}", request.order_id);
        let consumer = self.context.consumer(Stage::Validate);
        consumer
            .each(batch, requests, name, async |delivery, request| {
                let price = price(&request, prices.as_ref().map_err(Clone::clone)?.of(&request)?);
                self.place(delivery, request, price).await
            })
            .await
    }

    /// What the catalogue says of everything that the batch asks for, in one call.
    async fn prices(&self, requests: &[Result<PlaceOrder, Failure>]) -> Result<Prices, Failure> {
        let items = requests.iter().flatten().flat_map(|request| &request.items);
        let skus: BTreeSet<Sku> = items.map(|item| item.sku.clone()).collect();
        let currencies = requests.iter().flatten().map(|request| request.currency).collect();
        if skus.is_empty() { Ok(Prices::default()) } else { self.context.database.price_list(&skus, &currencies).await }
    }

    async fn place(
        &self,
        delivery: &Delivery,
        request: PlaceOrder,
        priced: Result<Priced, RejectionReason>,
    ) -> Handled {
        let context = delivery.command_context(Stage::Validate, Cause::PlaceOrder, self.context.runtime.now());
        let change = receive(request, priced, delivery.sent_at, &context);
        match self.context.database.commit(&change).await? {
            Committed::Done => {
                self.context.runtime.count(metric::ORDERS_RECEIVED, 1);
                if change.order().status == OrderStatus::Rejected {
                    self.context.runtime.count(metric::ORDERS_REJECTED, 1);
                }
                Ok(next(change.order()))
            }
            Committed::Stale(Some(stored)) => self.placed_again(delivery, *stored, &change.order().fingerprint).await,
            Committed::Stale(None) | Committed::StockShort(_) => Err(unknown(&change.order().order_id)),
        }
    }

    /// The id is taken: by this very order, which then only goes on, or by another, which is recorded.
    async fn placed_again(&self, delivery: &Delivery, stored: Order, fingerprint: &Fingerprint) -> Handled {
        let context = delivery.command_context(Stage::Validate, Cause::PlaceOrder, self.context.runtime.now());
        let decided =
            decide(&self.context.database, stored, |stored| stored.placed_again(fingerprint, &context)).await?;
        // An order remembers so many conflicts; those after them are counted all the same.
        if decided.changed_from.is_none() && decided.order.knows(fingerprint) {
            return Ok(next(&decided.order));
        }
        self.context.runtime.count(metric::ORDER_CONFLICTS, 1);
        tracing::warn!(order_id = %decided.order.order_id, "another order came under the id of a stored one");
        Ok(None)
    }
}

fn parse(delivery: &Delivery) -> Result<PlaceOrder, Failure> {
    PlaceOrder::from_json(&delivery.body).map_err(|error| {
        Failure::permanent(
            DeadLetterReason::NotAnOrder,
            format!("message {} cannot be read", delivery.message_id),
            error,
        )
    })
}

/// An order that waits for its stock is forwarded, also when it was forwarded before: a crash may have come between.
fn next(order: &Order) -> Option<Message> {
    (order.status == OrderStatus::Validated).then(|| Command::reserve_stock(order.order_id.clone()))
}
