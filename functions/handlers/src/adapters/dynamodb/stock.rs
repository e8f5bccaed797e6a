//! Where a SKU's stock lies.

use order_domain::id::Sku;
use order_domain::wiring::table;

use super::{DynamoDb, items, number, string};
use crate::adapters::aws::classify;
use crate::failure::Failure;
use crate::ports::Stock;

impl Stock for DynamoDb {
    async fn shard_with(&self, sku: &Sku, quantity: u32) -> Result<Option<u16>, Failure> {
        let what = format!("the stock of {sku} could not be read");
        let partition = items::product_key(sku).remove(table::PARTITION_KEY).unwrap_or_else(|| string(""));
        let mut from = None;
        loop {
            let read = self
                .client
                .query()
                .table_name(&self.inventory)
                .key_condition_expression("pk = :sku AND begins_with(sk, :stock)")
                .filter_expression("#free >= :quantity")
                .expression_attribute_names("#free", "free")
                .set_expression_attribute_values(Some(
                    [
                        (":sku".to_owned(), partition.clone()),
                        (":stock".to_owned(), string("STOCK#")),
                        (":quantity".to_owned(), number(quantity)),
                    ]
                    .into(),
                ))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| classify(&what, error))?;
            let found = read.items().iter().filter_map(|item| item.get(table::SORT_KEY)?.as_s().ok());
            if let Some(shard) = found.filter_map(|sort| sort.rsplit('#').next()?.parse().ok()).next() {
                return Ok(Some(shard));
            }
            from = read.last_evaluated_key;
            if from.is_none() {
                return Ok(None);
            }
        }
    }
}
