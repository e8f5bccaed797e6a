//! The record of what was told to whom.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use order_domain::wiring::table;

use super::items::sent_key;
use super::{BATCH_ROUNDS, DynamoDb, string};
use crate::adapters::aws::classify;
use crate::failure::Failure;
use crate::ports::{Receipt, Sending, SentLog};

/// Most items of one BatchWriteItem (docs.aws.amazon.com/amazondynamodb, BatchWriteItem).
const ITEMS_PER_BATCH: usize = 25;

impl SentLog for DynamoDb {
    async fn sent(&self, sendings: &[Sending]) -> Result<HashSet<Sending>, Failure> {
        let what = "what was sent before could not be read";
        // A batch refuses a key that it holds twice.
        let unique: HashSet<&Sending> = sendings.iter().collect();
        let items =
            self.batch_get(&self.orders, unique.iter().map(|sending| sent_key(sending)).collect(), what).await?;
        let keys: HashSet<_> = items.iter().map(name_of).collect();
        Ok(unique.into_iter().filter(|sending| keys.contains(&name_of(&sent_key(sending)))).cloned().collect())
    }

    async fn record(&self, sent: &[(Sending, Receipt)]) -> Result<(), Failure> {
        let what = "what was sent could not be recorded";
        for chunk in sent.chunks(ITEMS_PER_BATCH) {
            let mut requests = Vec::with_capacity(chunk.len());
            for (sending, receipt) in chunk {
                let mut item = sent_key(sending);
                if let Receipt::Refused(reason) = receipt {
                    item.insert("refused".into(), string(reason.clone()));
                }
                let put = PutRequest::builder().set_item(Some(item)).build();
                let put = put.map_err(|error| Failure::transient(what, error))?;
                requests.push(WriteRequest::builder().put_request(put).build());
            }
            for _ in 0..BATCH_ROUNDS {
                if requests.is_empty() {
                    break;
                }
                let write = self.client.batch_write_item().request_items(&self.orders, std::mem::take(&mut requests));
                let written = write.send().await.map_err(|error| classify(what, error))?;
                requests = written.unprocessed_items.unwrap_or_default().remove(&self.orders).unwrap_or_default();
            }
            if !requests.is_empty() {
                return Err(Failure::transient_because(format!("{what}: DynamoDB left items unwritten")));
            }
        }
        Ok(())
    }
}

fn name_of(item: &super::Item) -> Option<(String, String)> {
    let part = |name| item.get(name)?.as_s().ok().cloned();
    Some((part(table::PARTITION_KEY)?, part(table::SORT_KEY)?))
}
