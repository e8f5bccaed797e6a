//! The audit record of a redrive or a discard: items of the orders table that are written once and never changed. The
//! first item is written before the first message moves, so a redrive that was killed is recorded too, without an outcome.
//! Each discarded message has its own item, written before the message is deleted.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use order_contract::table;
use order_domain::time::Timestamp;
use rand::Rng;
use serde::Serialize;

use super::error::Cause;
use super::{DeadLetter, DeadLetterError, DeadLetterQueue, Method, Options, Redriven};
use deployed::Deployed;

/// Sort key of the item with the request.
const BEGUN: &str = "AUDIT";
/// Prefix of the sort key of a discarded message's item.
const MESSAGE: &str = "AUDIT#MESSAGE#";
/// Sort key of the item with the result.
const ENDED: &str = "AUDIT#OUTCOME";

/// An audit record without its result yet.
#[derive(Debug)]
pub(super) struct Audit {
    client: Client,
    table: String,
    pub id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Begun<'a> {
    redrive_id: &'a str,
    at: Timestamp,
    by: &'a str,
    from: &'a str,
    to: &'a str,
    method: Method,
    rate: u32,
    /// Approximate number of messages in the queue.
    messages: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    only_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    only_order: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended<'a> {
    redrive_id: &'a str,
    at: Timestamp,
    #[serde(flatten)]
    redriven: &'a Redriven,
}

impl Audit {
    /// Writes the request.
    pub async fn begin(
        deployed: &Deployed,
        queue: &DeadLetterQueue,
        to: &str,
        method: Method,
        messages: u64,
        options: &Options,
    ) -> Result<Self, DeadLetterError> {
        let at = Timestamp::now();
        let id = format!("{at}-{:08x}", rand::rng().random::<u32>());
        let (client, table) = (Client::new(deployed.aws()), deployed.orders_table().to_owned());
        let audit = Self { client, table, id };
        let begun = Begun {
            redrive_id: &audit.id,
            at,
            by: &options.by,
            from: &queue.name,
            to,
            method,
            rate: options.rate,
            messages,
            only_reason: options.filter.reason.as_deref(),
            only_order: options.filter.order.as_ref().map(order_domain::id::OrderId::as_str),
        };
        audit.write(BEGUN, &begun).await?;
        Ok(audit)
    }

    /// Writes an item for a message that will be discarded, without its body.
    pub async fn message(&self, message: &DeadLetter) -> Result<(), DeadLetterError> {
        self.write(&format!("{MESSAGE}{}", message.message_id), message).await
    }

    /// Writes the result.
    pub async fn end(&self, redriven: &Redriven) -> Result<(), DeadLetterError> {
        self.write(ENDED, &Ended { redrive_id: &self.id, at: Timestamp::now(), redriven }).await
    }

    async fn write(&self, sort: &str, record: &impl Serialize) -> Result<(), DeadLetterError> {
        self.put(sort, record).await.map_err(|source| DeadLetterError::Audit {
            redrive: self.id.clone(),
            table: self.table.clone(),
            source,
        })
    }

    async fn put(&self, sort: &str, record: &impl Serialize) -> Result<(), Cause> {
        let item = item(&self.id, sort, record)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.condition_expression("attribute_not_exists(pk)").send().await?;
        Ok(())
    }
}

/// Writes the end of the audit record. Before the record exists an error is returned; afterwards it is part of the result.
pub(super) async fn close(
    audit: Option<Audit>,
    mut redriven: Redriven,
    outcome: Result<(), DeadLetterError>,
) -> Result<Redriven, DeadLetterError> {
    let Some(audit) = audit else { return outcome.map(|()| redriven) };
    if let Err(error) = outcome {
        redriven.problem = Some(order_handlers::failure::chain(&error));
    }
    if let Err(error) = audit.end(&redriven).await {
        redriven.problem.get_or_insert_with(|| order_handlers::failure::chain(&error));
    }
    Ok(redriven)
}

/// An audit record as it is stored. An absent value has no attribute: a record can have a field that is the key of an index
/// (`customerId`), and DynamoDB refuses NULL there.
fn item(id: &str, sort: &str, record: &impl Serialize) -> Result<HashMap<String, AttributeValue>, serde_dynamo::Error> {
    let mut item: HashMap<String, AttributeValue> = serde_dynamo::to_item(record)?;
    item.retain(|_, value| !value.is_null());
    item.insert(table::PARTITION_KEY.into(), AttributeValue::S(format!("REDRIVE#{id}")));
    item.insert(table::SORT_KEY.into(), AttributeValue::S(sort.to_owned()));
    Ok(item)
}

#[cfg(test)]
mod tests {
    use order_contract::table::ORDERS;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_without_a_customer_can_be_stored_beside_the_customers_index() {
        let record = json!({ "messageId": "m-1", "orderId": "ord-1", "customerId": null });
        let item = item("r-1", "AUDIT#LETTER#m-1", &record).unwrap();
        for key in ORDERS.key_attributes() {
            assert!(item.get(key).is_none_or(AttributeValue::is_s), "{key}: {item:?}");
        }
        assert_eq!(item["orderId"], AttributeValue::S("ord-1".into()));
        assert_eq!(item["pk"], AttributeValue::S("REDRIVE#r-1".into()));
    }
}
