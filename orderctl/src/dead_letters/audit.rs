//! Who redrove or discarded what: items of the orders table that are written once and never changed. The first is written before
//! the first letter moves, so that a redrive that was killed is on record too: it has no last one. A letter that is discarded
//! has one of its own, written before it is deleted.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use order_contract::table;
use order_domain::time::Timestamp;
use rand::Rng;
use serde::Serialize;

use super::error::Cause;
use super::{DeadLetter, DeadLetterError, DeadLetterQueue, Method, Options, Redriven};
use deployed::Deployed;

/// Sort key of the record of what was to be done.
const BEGUN: &str = "AUDIT";
/// Beginning of the sort key of the record of a letter that was discarded.
const LETTER: &str = "AUDIT#LETTER#";
/// Sort key of the record of what was done.
const ENDED: &str = "AUDIT#OUTCOME";

/// An audit record that is open.
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
    /// About how many letters the queue held.
    letters: u64,
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
    /// Writes what is going to be done.
    pub async fn begin(
        deployed: &Deployed,
        queue: &DeadLetterQueue,
        to: &str,
        method: Method,
        letters: u64,
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
            letters,
            only_reason: options.filter.reason.as_deref(),
            only_order: options.filter.order.as_ref().map(order_domain::id::OrderId::as_str),
        };
        audit.write(BEGUN, &begun).await?;
        Ok(audit)
    }

    /// Writes what a letter was that is going to be discarded: all that is shown of it.
    pub async fn message(&self, letter: &DeadLetter) -> Result<(), DeadLetterError> {
        self.write(&format!("{LETTER}{}", letter.message_id), letter).await
    }

    /// Writes what was done.
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
        let mut item: std::collections::HashMap<String, AttributeValue> = serde_dynamo::to_item(record)?;
        item.insert(table::PARTITION_KEY.into(), AttributeValue::S(format!("REDRIVE#{}", self.id)));
        item.insert(table::SORT_KEY.into(), AttributeValue::S(sort.to_owned()));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.condition_expression("attribute_not_exists(pk)").send().await?;
        Ok(())
    }
}
