//! What the API reads.

use std::collections::BTreeMap;

use order_contract::api::answers::CustomerOrder;
use order_contract::table;
use order_domain::event::Event;
use order_domain::id::{CustomerId, OrderId};
use order_domain::order::Order;

use super::items::{order_key, order_of, read};
use super::{DynamoDb, Item, key_of, string};
use crate::adapters::aws::classify;
use crate::failure::Failure;
use crate::ports::{Cursor, Page, Reads};

impl Reads for DynamoDb {
    async fn order(&self, id: &OrderId) -> Result<Option<Order>, Failure> {
        let what = format!("order {id}");
        let get = self.client.get_item().table_name(&self.orders).set_key(Some(order_key(id))).consistent_read(true);
        let got = get.send().await.map_err(|error| classify(format!("{what} could not be read"), error))?;
        got.item.map(|item| read(item, &what)).transpose()
    }

    async fn history(&self, id: &OrderId) -> Result<BTreeMap<u64, Result<Event, Failure>>, Failure> {
        let items = self.items_of(id, table::EVENT_PREFIX, &format!("the history of order {id}")).await?;
        let numbered = |item: Item| {
            let (_, sort) = key_of(&item)?;
            let number = sort.strip_prefix(table::EVENT_PREFIX)?.parse().ok()?;
            Some((number, read(item, &format!("event {number} of order {id}"))))
        };
        Ok(items.into_iter().filter_map(numbered).collect())
    }

    async fn customer_orders(&self, customer: &CustomerId, limit: u16, from: Option<&Cursor>) -> Result<Page, Failure> {
        let what = format!("the orders of customer {customer}");
        let page = self
            .client
            .query()
            .table_name(&self.orders)
            .index_name(table::CUSTOMER_INDEX)
            .key_condition_expression("#customer = :customer")
            .expression_attribute_names("#customer", table::CUSTOMER_INDEX_PARTITION_KEY)
            .expression_attribute_values(":customer", string(customer.as_str()))
            .scan_index_forward(false)
            .limit(i32::from(limit))
            .set_exclusive_start_key(from.map(|cursor| start_key(customer, cursor)))
            .send()
            .await
            .map_err(|error| classify(format!("{what} could not be read"), error))?;
        let (mut orders, mut unreadable) = (Vec::new(), Vec::new());
        for item in page.items.unwrap_or_default() {
            // The key is there, whatever became of the rest.
            let Some(id) = order_of(&item) else { continue };
            match read::<CustomerOrder>(item, &format!("order {id}")) {
                Ok(order) => orders.push(order),
                Err(failure) => unreadable.push((id, failure)),
            }
        }
        Ok(Page { orders, unreadable, next: page.last_evaluated_key.as_ref().and_then(cursor) })
    }
}

impl DynamoDb {
    /// Every item of an order whose sort key starts with the prefix, in the order of their sort keys.
    pub(super) async fn items_of(&self, id: &OrderId, prefix: &str, what: &str) -> Result<Vec<Item>, Failure> {
        let partition = order_key(id).remove(table::PARTITION_KEY).unwrap_or_else(|| string(""));
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.orders)
                .key_condition_expression("pk = :order AND begins_with(sk, :prefix)")
                .expression_attribute_values(":order", partition.clone())
                .expression_attribute_values(":prefix", string(prefix))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| classify(format!("{what} could not be read"), error))?;
            items.extend(page.items.unwrap_or_default());
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(items);
            }
        }
    }
}

/// Where the next page begins.
fn cursor(last: &Item) -> Option<Cursor> {
    let sort = last.get(table::CUSTOMER_INDEX_SORT_KEY)?.as_s().ok()?.clone();
    Some(Cursor { order_id: order_of(last)?, sort })
}

/// The customer is the request's, not the cursor's: a cursor opens nobody else's list.
fn start_key(customer: &CustomerId, cursor: &Cursor) -> Item {
    let mut key = order_key(&cursor.order_id);
    key.insert(table::CUSTOMER_INDEX_PARTITION_KEY.into(), string(customer.as_str()));
    key.insert(table::CUSTOMER_INDEX_SORT_KEY.into(), string(cursor.sort.clone()));
    key
}
