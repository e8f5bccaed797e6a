//! What the API reads.

use aws_sdk_dynamodb::types::AttributeValue;
use order_domain::event::Event;
use order_domain::id::{CustomerId, OrderId};
use order_domain::order::Order;
use order_domain::wiring::table;

use super::items::{order_key, read};
use super::{DynamoDb, Item, string};
use crate::adapters::aws::classify;
use crate::failure::Failure;
use crate::ports::{Cursor, CustomerOrder, Page, Reads};

impl Reads for DynamoDb {
    async fn order(&self, id: &OrderId) -> Result<Option<Order>, Failure> {
        let what = format!("order {id}");
        let get = self.client.get_item().table_name(&self.orders).set_key(Some(order_key(id))).consistent_read(true);
        let got = get.send().await.map_err(|error| classify(format!("{what} could not be read"), error))?;
        got.item.map(|item| read(item, &what)).transpose()
    }

    async fn history(&self, id: &OrderId) -> Result<Vec<Event>, Failure> {
        let what = format!("the history of order {id}");
        let items = self.items_of(id, table::EVENT_PREFIX, &what).await?;
        items.into_iter().map(|item| read::<Event>(item, &what)).collect()
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
        let orders: Result<Vec<CustomerOrder>, Failure> =
            page.items.unwrap_or_default().into_iter().map(|item| read(item, &what)).collect();
        let orders = orders?;
        let sort = page.last_evaluated_key.as_ref().and_then(|key| key.get(table::CUSTOMER_INDEX_SORT_KEY));
        let sort = sort.and_then(|value| AttributeValue::as_s(value).ok());
        let next = orders
            .last()
            .zip(sort)
            .map(|(order, sort)| Cursor { order_id: order.order_id.clone(), sort: sort.clone() });
        Ok(Page { orders, next })
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

/// The customer is the request's, not the cursor's: a cursor opens nobody else's list.
fn start_key(customer: &CustomerId, cursor: &Cursor) -> Item {
    let mut key = order_key(&cursor.order_id);
    key.insert(table::CUSTOMER_INDEX_PARTITION_KEY.into(), string(customer.as_str()));
    key.insert(table::CUSTOMER_INDEX_SORT_KEY.into(), string(cursor.sort.clone()));
    key
}
