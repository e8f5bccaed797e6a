//! The free units of a SKU's shards.

use std::sync::Arc;

use order_contract::table;
use order_domain::id::Sku;
use order_domain::stock::StockLevel;

use super::{DynamoDb, items, string};
use crate::adapters::aws::classify;
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::Stock;

impl Stock for DynamoDb {
    async fn free_units(&self, sku: &Sku) -> Result<Vec<(u16, u32)>, Failure> {
        let what = format!("the stock of {sku} could not be read");
        let partition = items::product_key(sku).remove(table::PARTITION_KEY).unwrap_or_else(|| string(""));
        let mut shards = Vec::new();
        let mut from = None;
        loop {
            let read = self
                .client
                .query()
                .table_name(&self.inventory)
                .key_condition_expression("pk = :sku AND begins_with(sk, :stock)")
                .expression_attribute_values(":sku", partition.clone())
                .expression_attribute_values(":stock", string("STOCK#"))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| classify(&what, error))?;
            for item in read.items.unwrap_or_default() {
                let sort = item.get(table::SORT_KEY).and_then(|sort| sort.as_s().ok());
                let shard = sort.and_then(|sort| sort.rsplit('#').next()?.parse().ok());
                // The order gets a mark for attention. Without it, every sweep would re-queue it, to be dead-lettered again.
                let level: StockLevel = items::read(item, &what).map_err(|failure| Failure::Permanent {
                    what: format!("{what}: it was changed by hand"),
                    reason: DeadLetterReason::StockInconsistent,
                    cause: Some(Arc::new(failure)),
                })?;
                shards.extend(shard.map(|shard| (shard, u32::try_from(level.free).unwrap_or(u32::MAX))));
            }
            from = read.last_evaluated_key;
            if from.is_none() {
                return Ok(shards);
            }
        }
    }
}
