//! Loading orders, and committing a change: the order, its event and its stock in one transaction.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use order_domain::id::OrderId;
use order_domain::order::{Line, Order};
use order_domain::transition::{Change, StockEffect};

use super::items::{event_item, order_item, order_key, read, reservation_key, stock_key};
use super::{DynamoDb, number, string};
use crate::adapters::aws::classify;
use crate::failure::Failure;
use crate::ports::{Committed, Orders};

/// The order and its event come first in a transaction; each line of stock follows with two items.
const ITEMS_BEFORE_STOCK: usize = 2;
const ITEMS_PER_LINE: usize = 2;

impl Orders for DynamoDb {
    async fn load(&self, ids: &BTreeSet<OrderId>) -> Result<HashMap<OrderId, Order>, Failure> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let what = format!("{} orders could not be loaded", ids.len());
        let items = self.batch_get(&self.orders, ids.iter().map(order_key).collect(), &what).await?;
        let orders = items.into_iter().map(|item| read::<Order>(item, "a stored order"));
        orders.map(|order| order.map(|order| (order.order_id.clone(), order))).collect()
    }

    async fn commit(&self, change: &Change) -> Result<Committed, Failure> {
        let what = format!("order {} could not be stored", change.order().order_id);
        let items = self.transaction(change).map_err(|error| Failure::transient(&what, error))?;
        match self.client.transact_write_items().set_transact_items(Some(items?)).send().await {
            Ok(_) => Ok(Committed::Done),
            Err(error) => cancelled(what, error),
        }
    }
}

type Built = Result<Vec<TransactWriteItem>, Failure>;

impl DynamoDb {
    fn transaction(&self, change: &Change) -> Result<Built, aws_sdk_dynamodb::error::BuildError> {
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
            match (change.stock(), line.reserved_from) {
                (StockEffect::Reserve, Some(shard)) => items.extend(self.reserve(change.order(), line, shard)?),
                (StockEffect::Release, Some(shard)) => items.extend(self.end(change.order(), line, shard, "free")?),
                (StockEffect::Sell, Some(shard)) => items.extend(self.end(change.order(), line, shard, "sold")?),
                _ => {}
            }
        }
        Ok(Ok(items))
    }

    fn reserve(
        &self,
        order: &Order,
        line: &Line,
        shard: u16,
    ) -> Result<[TransactWriteItem; ITEMS_PER_LINE], aws_sdk_dynamodb::error::BuildError> {
        let stock = Update::builder()
            .table_name(&self.inventory)
            .set_key(Some(stock_key(&line.sku, shard)))
            .update_expression("SET #free = #free - :quantity, #reserved = #reserved + :quantity")
            .condition_expression("#free >= :quantity")
            .expression_attribute_names("#free", "free")
            .expression_attribute_names("#reserved", "reserved")
            .expression_attribute_values(":quantity", number(line.quantity));
        let mut reservation = reservation_key(&line.sku, &order.order_id);
        reservation.insert("quantity".into(), number(line.quantity));
        reservation.insert("shard".into(), number(shard));
        reservation.insert("reservedAt".into(), string(order.updated_at.to_string()));
        let reservation = Put::builder()
            .table_name(&self.inventory)
            .set_item(Some(reservation))
            .condition_expression("attribute_not_exists(pk)");
        Ok([
            TransactWriteItem::builder().update(stock.build()?).build(),
            TransactWriteItem::builder().put(reservation.build()?).build(),
        ])
    }

    /// Ends a reservation: its units become free or sold.
    fn end(
        &self,
        order: &Order,
        line: &Line,
        shard: u16,
        units_become: &str,
    ) -> Result<[TransactWriteItem; ITEMS_PER_LINE], aws_sdk_dynamodb::error::BuildError> {
        let stock = Update::builder()
            .table_name(&self.inventory)
            .set_key(Some(stock_key(&line.sku, shard)))
            .update_expression("SET #to = #to + :quantity, #reserved = #reserved - :quantity")
            .condition_expression("#reserved >= :quantity")
            .expression_attribute_names("#to", units_become)
            .expression_attribute_names("#reserved", "reserved")
            .expression_attribute_values(":quantity", number(line.quantity));
        let reservation = Delete::builder()
            .table_name(&self.inventory)
            .set_key(Some(reservation_key(&line.sku, &order.order_id)))
            .condition_expression("attribute_exists(pk)");
        Ok([
            TransactWriteItem::builder().update(stock.build()?).build(),
            TransactWriteItem::builder().delete(reservation.build()?).build(),
        ])
    }
}

/// What a cancelled transaction means. A *condition failure* is an answer; a *conflict* is bad timing.
fn cancelled<R: std::fmt::Debug + Send + Sync + 'static>(
    what: String,
    error: SdkError<TransactWriteItemsError, R>,
) -> Result<Committed, Failure> {
    let reasons: &[CancellationReason] = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
        _ => return Err(classify(what, error)),
    };
    match answer_of(reasons) {
        Some(Answer::Stale(stored)) => {
            let order = stored.map(|item| read::<Order>(item, "a stored order")).transpose()?;
            Ok(Committed::Stale(order.map(Box::new)))
        }
        Some(Answer::Short(line)) => Ok(Committed::StockShort(line)),
        None if reasons.iter().any(|reason| reason.code() == Some("ValidationError")) => {
            Err(Failure::permanent(crate::failure::DeadLetterReason::RequestRefused, what, error))
        }
        None => Err(Failure::transient(what, error)),
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Stale(Option<super::Item>),
    Short(usize),
}

fn answer_of(reasons: &[CancellationReason]) -> Option<Answer> {
    let failed = reasons.iter().position(|reason| reason.code() == Some("ConditionalCheckFailed"))?;
    Some(match failed.checked_sub(ITEMS_BEFORE_STOCK) {
        None => Answer::Stale(reasons.first().and_then(|reason| reason.item.clone()).filter(|item| !item.is_empty())),
        Some(stock) => Answer::Short(stock / ITEMS_PER_LINE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect()
    }

    #[test]
    fn a_failed_condition_on_the_order_is_an_answer() {
        assert_eq!(answer_of(&reasons(&["ConditionalCheckFailed", "None"])), Some(Answer::Stale(None)));
    }

    #[test]
    fn a_failed_condition_on_stock_names_its_line() {
        let codes = ["None", "None", "None", "None", "ConditionalCheckFailed", "None"];
        assert_eq!(answer_of(&reasons(&codes)), Some(Answer::Short(1)));
    }

    #[test]
    fn a_conflict_is_no_answer() {
        assert_eq!(answer_of(&reasons(&["None", "None", "TransactionConflict", "None"])), None);
        assert_eq!(answer_of(&reasons(&["ThrottlingError"])), None);
    }
}
