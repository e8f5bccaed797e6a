//! Loading orders, and committing a change: the order, its event and its stock in one transaction.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use order_domain::id::OrderId;
use order_domain::order::{Line, Order};
use order_domain::stock::{ITEMS_BESIDE_STOCK, StockPart};
use order_domain::transition::{Change, StockEffect};

use super::items::{event_item, order_item, order_key, read, reservation_key, stock_key};
use super::{DynamoDb, number, string};
use crate::adapters::aws::classify;
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{Committed, Loaded, Orders};

impl Orders for DynamoDb {
    async fn load_each(&self, ids: &BTreeSet<OrderId>) -> Result<Loaded<OrderId, Order>, Failure> {
        if ids.is_empty() {
            return Ok(Loaded::new());
        }
        let what = format!("{} orders could not be loaded", ids.len());
        let wanted = ids.iter().map(|id| (id, order_key(id)));
        let items = self.batch_get(&self.orders, wanted, &what).await?;
        Ok(items.into_iter().map(|(id, item)| (id.clone(), read(item, &format!("order {id}")))).collect())
    }

    async fn commit(&self, change: &Change) -> Result<Committed, Failure> {
        let what = format!("order {} could not be stored", change.order().order_id);
        let items = self.transaction(change).map_err(|error| Failure::transient(&what, error))?;
        match self.client.transact_write_items().set_transact_items(Some(items?)).send().await {
            Ok(_) => Ok(Committed::Done),
            Err(error) => cancelled(what, change.order(), error),
        }
    }
}

type Built = Result<Vec<TransactWriteItem>, Failure>;

impl DynamoDb {
    fn transaction(&self, change: &Change) -> Result<Built, BuildError> {
        let (order, event) = match (order_item(change.order()), event_item(change.event())) {
            (Ok(order), Ok(event)) => (order, event),
            (Err(failure), _) | (_, Err(failure)) => return Ok(Err(failure)),
        };
        let put = Put::builder()
            .table_name(&self.orders)
            .set_item(Some(order))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match change.replaces_version() {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => put
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version)),
        };
        // An event is never overwritten, whatever the order's version says.
        let event = Put::builder()
            .table_name(&self.orders)
            .set_item(Some(event))
            .condition_expression("attribute_not_exists(pk)");
        let mut items = vec![
            TransactWriteItem::builder().put(put.build()?).build(),
            TransactWriteItem::builder().put(event.build()?).build(),
        ];
        for line in &change.order().lines {
            match change.stock() {
                StockEffect::None => {}
                StockEffect::Reserve => items.extend(self.reserve(change.order(), line)?),
                StockEffect::Release => items.extend(self.end(change.order(), line, "free")?),
                StockEffect::Sell => items.extend(self.end(change.order(), line, "sold")?),
            }
        }
        Ok(Ok(items))
    }

    /// A line's reservation, and its units in each shard, which become reserved.
    fn reserve(&self, order: &Order, line: &Line) -> Result<Vec<TransactWriteItem>, BuildError> {
        let mut reservation = reservation_key(&line.sku, &order.order_id);
        reservation.insert("quantity".into(), number(line.quantity));
        reservation.insert("reservedAt".into(), string(order.updated_at.to_string()));
        let reservation = Put::builder()
            .table_name(&self.inventory)
            .set_item(Some(reservation))
            .condition_expression("attribute_not_exists(pk)");
        let mut items = vec![TransactWriteItem::builder().put(reservation.build()?).build()];
        for part in &line.reserved_from {
            items.push(self.moved(line, *part, "free", "reserved")?);
        }
        Ok(items)
    }

    /// The end of a line's reservation: its units become free or sold.
    fn end(&self, order: &Order, line: &Line, to: &str) -> Result<Vec<TransactWriteItem>, BuildError> {
        if line.reserved_from.is_empty() {
            return Ok(Vec::new());
        }
        let reservation = Delete::builder()
            .table_name(&self.inventory)
            .set_key(Some(reservation_key(&line.sku, &order.order_id)))
            .condition_expression("attribute_exists(pk)");
        let mut items = vec![TransactWriteItem::builder().delete(reservation.build()?).build()];
        for part in &line.reserved_from {
            items.push(self.moved(line, *part, "reserved", to)?);
        }
        Ok(items)
    }

    /// Units of one shard that change their kind, if there are as many.
    fn moved(&self, line: &Line, part: StockPart, from: &str, to: &str) -> Result<TransactWriteItem, BuildError> {
        let stock = Update::builder()
            .table_name(&self.inventory)
            .set_key(Some(stock_key(&line.sku, part.shard)))
            .update_expression("SET #from = #from - :quantity, #to = #to + :quantity")
            .condition_expression("#from >= :quantity")
            .expression_attribute_names("#from", from)
            .expression_attribute_names("#to", to)
            .expression_attribute_values(":quantity", number(part.quantity));
        Ok(TransactWriteItem::builder().update(stock.build()?).build())
    }
}

/// The meaning of a cancelled transaction. A *condition failure* is an answer; a *conflict* is a transient failure.
fn cancelled<R: std::fmt::Debug + Send + Sync + 'static>(
    what: String,
    order: &Order,
    error: SdkError<TransactWriteItemsError, R>,
) -> Result<Committed, Failure> {
    let reasons: &[CancellationReason] = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
        _ => return Err(classify(what, error)),
    };
    match answer_of(order, reasons) {
        Some(Answer::Stale(stored)) => {
            let order = stored.map(|item| read::<Order>(item, &format!("order {}", order.order_id))).transpose()?;
            Ok(Committed::Stale(order.map(Box::new)))
        }
        Some(Answer::Short(line)) => Ok(Committed::StockShort(line)),
        None if reasons.iter().any(|reason| reason.code() == Some("ValidationError")) => {
            Err(Failure::permanent(DeadLetterReason::RequestRefused, what, error))
        }
        None => Err(Failure::transient(what, error)),
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Stale(Option<super::Item>),
    Short(usize),
}

fn answer_of(order: &Order, reasons: &[CancellationReason]) -> Option<Answer> {
    let failed = reasons.iter().position(|reason| reason.code() == Some("ConditionalCheckFailed"))?;
    let in_conflict = reasons.iter().any(|reason| reason.code() == Some("TransactionConflict"));
    Some(match failed.checked_sub(ITEMS_BESIDE_STOCK) {
        // Another worker may be committing the very same: the stock can show it before the order does.
        Some(_) if in_conflict => return None,
        None => Answer::Stale(reasons.first().and_then(|reason| reason.item.clone()).filter(|item| !item.is_empty())),
        Some(stock) => Answer::Short(line_of_item(order, stock)),
    })
}

/// The line that a transaction's stock item belongs to: each line has its reservation and one item a shard.
fn line_of_item(order: &Order, item: usize) -> usize {
    let items = |line: &Line| if line.reserved_from.is_empty() { 0 } else { 1 + line.reserved_from.len() };
    let lines = order.lines.iter().enumerate().flat_map(|(position, line)| vec![position; items(line)]);
    lines.take(item + 1).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::error::TransactionCanceledException;
    use order_domain::catalogue::Priced;
    use order_domain::charges::VatRate;
    use order_domain::event::{Cause, CommandContext};
    use order_domain::id::Sku;
    use order_domain::money::{Currency, Money};
    use order_domain::request::PlaceOrder;
    use order_domain::stage::Stage;
    use order_domain::time::Timestamp;
    use order_domain::transition::receive;

    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect()
    }

    /// An order of two lines, the first of which takes from two shards.
    fn order() -> Order {
        let part = |shard| StockPart { shard, quantity: 1 };
        let line = |sku: &str, reserved_from: Vec<StockPart>| Line {
            sku: Sku::new(sku).unwrap(),
            name: sku.into(),
            quantity: 1,
            unit_price: Money::new(1, Currency::GBP),
            vat_rate: VatRate::Standard,
            stock_shards: 2,
            reserved_from,
        };
        let body = r#"{"orderId":"ord-1","customerId":"cus-1","customer":{"name":"A","email":"a@b.cd"},
            "items":[],"currency":"GBP","payment":{"method":"pm_a"},
            "shippingAddress":{"line1":"1","city":"L","postcode":"L1","country":"GB"}}"#;
        let request: PlaceOrder = serde_json::from_str(body).unwrap();
        let now = Timestamp::from_unix_seconds(1).unwrap();
        let context =
            CommandContext { at: now, actor: Stage::Validate, cause: Cause::PlaceOrder, message_id: "m".into() };
        let lines = vec![line("TEA", vec![part(0), part(1)]), line("MUG", vec![part(0)])];
        let nothing = Money::new(0, Currency::GBP);
        let priced = Priced { lines, delivery: nothing, total: Money::new(2, Currency::GBP), vat: 0 };
        receive(request, Ok(priced), now, &context).into_order()
    }

    #[test]
    fn a_failed_condition_on_the_order_is_an_answer() {
        assert_eq!(answer_of(&order(), &reasons(&["ConditionalCheckFailed", "None"])), Some(Answer::Stale(None)));
    }

    #[test]
    fn a_failed_condition_on_stock_names_its_line() {
        for (position, line) in [(2, 0), (3, 0), (4, 0), (5, 1), (6, 1)] {
            let mut codes = ["None"; 7];
            codes[position] = "ConditionalCheckFailed";
            assert_eq!(answer_of(&order(), &reasons(&codes)), Some(Answer::Short(line)), "{position}");
        }
    }

    #[test]
    fn a_conflict_is_a_transient_failure() {
        assert_eq!(answer_of(&order(), &reasons(&["None", "None", "TransactionConflict", "None"])), None);
        assert_eq!(answer_of(&order(), &reasons(&["ThrottlingError"])), None);
        // The same release by another worker, half-way: its reservation is gone already, its order is still in conflict.
        let half_way = ["TransactionConflict", "None", "ConditionalCheckFailed", "None"];
        assert_eq!(answer_of(&order(), &reasons(&half_way)), None);
    }

    /// What a transaction came to that DynamoDB cancelled for these reasons.
    fn came_to(reasons: Vec<CancellationReason>) -> Result<Committed, Failure> {
        let cancelled_for = TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons)).build();
        let error = TransactWriteItemsError::TransactionCanceledException(cancelled_for);
        cancelled("order ord-1 could not be stored".into(), &order(), SdkError::service_error(error, ()))
    }

    #[test]
    fn a_cancelled_transaction_that_may_succeed_later_is_transient() {
        for code in [
            "TransactionConflict",
            "ThrottlingError",
            "ProvisionedThroughputExceeded",
            "ItemCollectionSizeLimitExceeded",
            "DuplicateItem",
            "None",
        ] {
            let failure = came_to(reasons(&["None", code, "None"])).unwrap_err();
            assert!(matches!(failure, Failure::Transient { .. }), "{code}: {failure}");
        }
        assert!(matches!(came_to(Vec::new()), Err(Failure::Transient { .. })));
    }

    #[test]
    fn a_transaction_that_dynamodb_finds_malformed_is_refused_for_ever() {
        for codes in [
            &["ValidationError"][..],
            &["None", "None", "ValidationError"],
            &["TransactionConflict", "ValidationError"],
        ] {
            let failure = came_to(reasons(codes)).unwrap_err();
            let Failure::Permanent { reason: DeadLetterReason::RequestRefused, .. } = failure else {
                panic!("{codes:?}: {failure}")
            };
        }
        // A condition that failed is the answer, whatever else was wrong.
        let both = reasons(&["ConditionalCheckFailed", "ValidationError"]);
        assert_eq!(came_to(both).unwrap(), Committed::Stale(None));
    }

    #[test]
    fn a_stale_orders_stored_form_comes_with_the_answer_or_is_that_orders_failure() {
        let stale = |item| {
            let builder = CancellationReason::builder().code("ConditionalCheckFailed");
            came_to(vec![builder.set_item(Some(item)).build()])
        };
        let stored = order_item(&order()).unwrap();
        assert_eq!(stale(stored.clone()).unwrap(), Committed::Stale(Some(Box::new(order()))));
        let mut damaged = stored;
        damaged.remove("status");
        let failure = stale(damaged).unwrap_err();
        let Failure::Permanent { reason: DeadLetterReason::ItemUnreadable, what, .. } = failure else {
            panic!("{failure}")
        };
        assert_eq!(what, "order ord-1 cannot be read");
    }
}
