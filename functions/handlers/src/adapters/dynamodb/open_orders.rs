//! The sparse index of the orders that may have stopped moving.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use futures::future::try_join_all;
use order_contract::table;
use order_domain::id::OrderId;
use order_domain::order::Order;
use order_domain::time::Timestamp;

use super::items::{OPEN_SHARDS, order_key, order_of};
use super::{DynamoDb, number, string};
use crate::adapters::aws::classify;
use crate::failure::Failure;
use crate::ports::OpenOrders;

/// Orders of one of the index's partitions that a sweep takes: it loads them in one call together with the others'.
const DUE_PER_SHARD: i32 = 25;

impl OpenOrders for DynamoDb {
    async fn due(&self, now: Timestamp) -> Result<Vec<OrderId>, Failure> {
        let shards = try_join_all((0..OPEN_SHARDS).map(|shard| self.due_of(shard, now))).await?;
        Ok(shards.into_iter().flatten().collect())
    }

    async fn defer_check(&self, order: &Order, at: Timestamp) -> Result<(), Failure> {
        let update = self
            .client
            .update_item()
            .table_name(&self.orders)
            .set_key(Some(order_key(&order.order_id)))
            .update_expression("SET #check = :check")
            // An order that moved meanwhile has another time, or none. The condition also prevents a new item.
            .condition_expression("#version = :version AND attribute_exists(#check)")
            .expression_attribute_names("#check", table::OPEN_ORDERS_INDEX_SORT_KEY)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":check", string(at.to_string()))
            .expression_attribute_values(":version", number(order.version));
        moved(update.send().await, &order.order_id)
    }

    async fn defer_unreadable_check(&self, id: &OrderId, now: Timestamp, until: Timestamp) -> Result<(), Failure> {
        let update = self
            .client
            .update_item()
            .table_name(&self.orders)
            .set_key(Some(order_key(id)))
            .update_expression("SET #check = :until")
            // An order that moved meanwhile is not due any more. The condition also prevents a new item.
            .condition_expression("#check <= :now")
            .expression_attribute_names("#check", table::OPEN_ORDERS_INDEX_SORT_KEY)
            .expression_attribute_values(":now", string(now.to_string()))
            .expression_attribute_values(":until", string(until.to_string()));
        moved(update.send().await, id)
    }
}

/// A failed condition is an answer: the order moved meanwhile and has another time of its next check.
fn moved<T, R>(answer: Result<T, SdkError<UpdateItemError, R>>, id: &OrderId) -> Result<(), Failure>
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match answer {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => {
            Ok(())
        }
        Err(error) => Err(classify(format!("the next check of order {id} could not be moved"), error)),
    }
}

impl DynamoDb {
    async fn due_of(&self, shard: u64, now: Timestamp) -> Result<Vec<OrderId>, Failure> {
        let found = self
            .client
            .query()
            .table_name(&self.orders)
            .index_name(table::OPEN_ORDERS_INDEX)
            .key_condition_expression("#shard = :shard AND #check <= :now")
            .expression_attribute_names("#shard", table::OPEN_ORDERS_INDEX_PARTITION_KEY)
            .expression_attribute_names("#check", table::OPEN_ORDERS_INDEX_SORT_KEY)
            .expression_attribute_values(":shard", string(shard.to_string()))
            .expression_attribute_values(":now", string(now.to_string()))
            .limit(DUE_PER_SHARD)
            .send()
            .await
            .map_err(|error| classify("the open orders could not be read", error))?;
        Ok(found.items.unwrap_or_default().iter().filter_map(order_of).collect())
    }
}
