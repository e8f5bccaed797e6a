//! Writing free units while orders flow.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use order_domain::id::Sku;
use rand::Rng;

use super::plan::{Move, moves, shares};
use super::{ShardLevel, Warehouse, WarehouseError, number, stock_key};
use order_domain::stock::StockLevel;

/// How often something is read and written again when orders change it meanwhile.
const ATTEMPTS: u32 = 30;
/// Longest wait before the second attempt; it doubles with each, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Makes an item whole that is not there yet, and changes nothing of one that is.
const WHOLE: &str = "#reserved = if_not_exists(#reserved, :none), #sold = if_not_exists(#sold, :none)";

impl Warehouse {
    /// Says how many units of a SKU are free, over all of its stock items: each shard of the product gets its share, and
    /// what is beyond its number of shards gets none. It can be stopped half-way and run again.
    ///
    /// # Errors
    /// When DynamoDB does not take it, or orders change a stock item faster than it can be read and written.
    pub async fn set(&self, sku: &Sku, units: u64, shards: u16) -> Result<(), WarehouseError> {
        let stored = self.shards(sku).await?;
        let beyond = stored.iter().filter(|stored| stored.shard >= shards.max(1)).map(|stored| (stored.shard, 0));
        for (shard, share) in shares(units, shards).chain(beyond) {
            self.set_shard(sku, shard, share, free_of(&stored, shard)).await?;
        }
        self.remove_empty(sku, shards).await
    }

    /// Optimistic: free units are written on the condition that they are what was read.
    async fn set_shard(&self, sku: &Sku, shard: u16, free: u64, read: Option<u64>) -> Result<(), WarehouseError> {
        let what = format!("stock item {shard} of {sku} could not be set to {free} free units");
        let mut read = read;
        for attempt in 1..=ATTEMPTS {
            if read == Some(free) {
                return Ok(());
            }
            let update = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(stock_key(sku, shard)))
                .update_expression(format!("SET #free = :free, {WHOLE}"))
                .set_expression_attribute_names(Some(names()))
                .expression_attribute_values(":free", number(free))
                .expression_attribute_values(":none", number(0));
            let update = match read {
                Some(read) => {
                    update.condition_expression("#free = :read").expression_attribute_values(":read", number(read))
                }
                None => update.condition_expression("attribute_not_exists(pk)"),
            };
            match update.send().await {
                Ok(_) => return Ok(()),
                Err(error) if is_race(&error) => wait(attempt).await,
                Err(error) => return Err(WarehouseError::new(what, error)),
            }
            read = free_of(&self.shards(sku).await?, shard);
        }
        Err(WarehouseError::because(format!("{what}: orders changed it {ATTEMPTS} times meanwhile; run it again")))
    }

    /// Adds free units: all of them, or none.
    ///
    /// # Errors
    /// When DynamoDB does not take them.
    pub async fn add(&self, sku: &Sku, units: u64, shards: u16) -> Result<(), WarehouseError> {
        let what = format!("{units} units of {sku} could not be added");
        let shares = shares(units, shards).filter(|(_, share)| *share > 0);
        let items: Result<Vec<_>, _> = shares.map(|(shard, share)| self.give(sku, shard, share)).collect();
        let items = items.map_err(|error| WarehouseError::new(&what, error))?;
        if items.is_empty() { Ok(()) } else { self.transact(&what, items).await.map(drop) }
    }

    /// Spreads a SKU's free units over another number of shards while orders flow: units are moved in transactions, so
    /// that their sum never changes. What is reserved and sold stays where it is.
    ///
    /// # Errors
    /// When DynamoDB does not take it. What was moved by then stays moved, and it can be run again.
    pub async fn spread(&self, sku: &Sku, shards: u16) -> Result<(), WarehouseError> {
        for attempt in 1..=ATTEMPTS {
            if self.transfer(sku, &moves(&self.shards(sku).await?, shards)).await? {
                return self.remove_empty(sku, shards).await;
            }
            wait(attempt).await;
        }
        let what = format!("the units of {sku} could not be spread over {shards} stock items");
        Err(WarehouseError::because(format!("{what}: orders changed them {ATTEMPTS} times meanwhile; run it again")))
    }

    /// Whether every move was made. `false` if orders took units meanwhile: then the caller reads the stock and plans again.
    async fn transfer(&self, sku: &Sku, moves: &[Move]) -> Result<bool, WarehouseError> {
        let what = format!("units of {sku} could not be moved between its stock items");
        for Move { from, to, units } in moves {
            let items = self.take(sku, *from, *units).and_then(|take| Ok(vec![take, self.give(sku, *to, *units)?]));
            let items = items.map_err(|error| WarehouseError::new(&what, error))?;
            if !self.transact(&what, items).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn give(&self, sku: &Sku, shard: u16, units: u64) -> Result<TransactWriteItem, BuildError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(stock_key(sku, shard)))
            .update_expression(format!("SET {WHOLE} ADD #free :units"))
            .set_expression_attribute_names(Some(names()))
            .expression_attribute_values(":units", number(units))
            .expression_attribute_values(":none", number(0));
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    fn take(&self, sku: &Sku, shard: u16, units: u64) -> Result<TransactWriteItem, BuildError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(stock_key(sku, shard)))
            .update_expression("SET #free = #free - :units")
            .condition_expression("#free >= :units")
            .expression_attribute_names("#free", "free")
            .expression_attribute_values(":units", number(units));
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    /// Whether a transaction was done; not, when a condition failed. A conflict with an order's is tried again.
    async fn transact(&self, what: &str, items: Vec<TransactWriteItem>) -> Result<bool, WarehouseError> {
        // One token for every attempt: a repetition of what was done, its answer lost, is none.
        let token = format!("{:032x}", rand::rng().random::<u128>());
        let mut attempt = 1;
        loop {
            let write = self.client.transact_write_items().set_transact_items(Some(items.clone()));
            let error = match write.client_request_token(&token).send().await {
                Ok(_) => return Ok(true),
                Err(error) => error,
            };
            let codes = reasons(&error);
            match () {
                () if codes.iter().any(|code| code == "ConditionalCheckFailed") => return Ok(false),
                () if codes.iter().any(|code| code == "TransactionConflict") && attempt < ATTEMPTS => {
                    wait(attempt).await;
                }
                () => return Err(WarehouseError::new(what, error)),
            }
            attempt += 1;
        }
    }

    /// Removes stock items beyond the number of shards that hold nothing at all.
    async fn remove_empty(&self, sku: &Sku, shards: u16) -> Result<(), WarehouseError> {
        let empty = |stored: &ShardLevel| stored.shard >= shards.max(1) && stored.level == StockLevel::default();
        for stored in self.shards(sku).await?.into_iter().filter(empty) {
            let delete = self
                .client
                .delete_item()
                .table_name(&self.table)
                .set_key(Some(stock_key(sku, stored.shard)))
                .condition_expression("#free = :none AND #reserved = :none AND #sold = :none")
                .set_expression_attribute_names(Some(names()))
                .expression_attribute_values(":none", number(0));
            match delete.send().await {
                Ok(_) => {}
                // An order has put something back: then it stays.
                Err(error) if is_race(&error) => {}
                Err(error) => {
                    let what = format!("the empty stock item {} of {sku} could not be removed", stored.shard);
                    return Err(WarehouseError::new(what, error));
                }
            }
        }
        Ok(())
    }
}

fn names() -> HashMap<String, String> {
    ["free", "reserved", "sold"].map(|name| (format!("#{name}"), name.to_owned())).into()
}

fn free_of(stored: &[ShardLevel], shard: u16) -> Option<u64> {
    stored.iter().find(|stored| stored.shard == shard).map(|stored| stored.level.free)
}

/// Somebody else wrote the item: since it was read, or at this moment.
fn is_race<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    matches!(code, Some("ConditionalCheckFailedException" | "TransactionConflictException"))
}

fn reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> Vec<String> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

/// Waits with full jitter, so that two warehouses do not write in step.
async fn wait(attempt: u32) {
    let most = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(attempt - 1)).min(LONGEST_WAIT);
    let wait = rand::rng().random_range(Duration::ZERO..=most);
    tokio::time::sleep(wait).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An item that is made here has every number that the stages count on.
    #[test]
    fn the_names_are_those_of_a_stored_level() {
        let item: crate::adapters::dynamodb::Item = serde_dynamo::to_item(StockLevel::default()).unwrap();
        let mut stored: Vec<_> = item.into_keys().collect();
        let mut named: Vec<_> = names().into_values().collect();
        stored.sort();
        named.sort();
        assert_eq!(stored, named);
    }
}
