//! The notification records: which notifications were sent, and which were refused.

use std::collections::HashSet;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use futures::future::join_all;
use order_contract::api::answers::{NotificationOutcome, NotificationRecord};
use order_contract::table::{SENT_AT as AT, SENT_REFUSED as REFUSED};
use order_domain::id::OrderId;
use order_domain::request::Channel;
use order_domain::stock::ITEMS_PER_TRANSACTION;
use order_domain::time::Timestamp;

use super::items::{SENT_PREFIX, sent_key};
use super::{DynamoDb, Item, key_of, string};
use crate::adapters::aws::classify;
use crate::failure::Failure;
use crate::ports::{NotificationKey, Receipt, SentHistory, SentLog};

/// Attempts to write one record. If all fail, the notification may be sent again.
const TRIES_TO_RECORD: usize = 2;

impl SentLog for DynamoDb {
    async fn sent(&self, sendings: &[NotificationKey]) -> Result<HashSet<NotificationKey>, Failure> {
        let what = "what was sent before could not be read";
        let wanted = sendings.iter().map(|sending| (sending, sent_key(sending)));
        let items = self.batch_get(&self.orders, wanted, what).await?;
        Ok(items.into_iter().map(|(sending, _)| sending.clone()).collect())
    }

    async fn record(&self, sent: &[(NotificationKey, Receipt)], at: Timestamp) -> Result<(), Failure> {
        // All at once, and each to its end, because a notification without a record is sent again.
        let recorded = join_all(sent.chunks(ITEMS_PER_TRANSACTION).map(|chunk| self.record_chunk(chunk, at))).await;
        recorded.into_iter().collect()
    }
}

impl DynamoDb {
    /// In a transaction, although each item stands for itself: a batch of writes could delete too, and IAM cannot tell the
    /// two apart. No role of ours may delete anything of an order.
    async fn record_chunk(&self, sent: &[(NotificationKey, Receipt)], at: Timestamp) -> Result<(), Failure> {
        let what = "what was sent could not be recorded";
        let mut recorded = HashSet::new();
        let mut items = Vec::with_capacity(sent.len());
        // A transaction refuses a key that it holds twice.
        for (sending, receipt) in sent.iter().filter(|(sending, _)| recorded.insert(sending)) {
            let put = Put::builder().table_name(&self.orders).set_item(Some(sent_item(sending, *receipt, at)));
            let put = put.set_condition_expression(overwrites_no_refusal(*receipt)).build();
            let put = put.map_err(|error| Failure::transient(what, error))?;
            items.push(TransactWriteItem::builder().put(put).build());
        }
        let write = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        if write.is_ok() {
            return Ok(());
        }
        // One item that is contended or throttled must not cause the others to be sent again.
        let recorded = join_all(sent.iter().map(|(sending, receipt)| self.record_one(sending, *receipt, at))).await;
        recorded.into_iter().collect()
    }

    async fn record_one(&self, sending: &NotificationKey, receipt: Receipt, at: Timestamp) -> Result<(), Failure> {
        let mut failed = None;
        for _ in 0..TRIES_TO_RECORD {
            let put = self.client.put_item().table_name(&self.orders).set_item(Some(sent_item(sending, receipt, at)));
            match put.set_condition_expression(overwrites_no_refusal(receipt)).send().await {
                Ok(_) => return Ok(()),
                Err(error) if is_refused_already(&error) => return Ok(()),
                Err(error) => failed = Some(classify("what was sent could not be recorded", error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

impl SentHistory for DynamoDb {
    async fn told(&self, id: &OrderId) -> Result<Vec<(u64, NotificationRecord)>, Failure> {
        let items = self.items_of(id, SENT_PREFIX, &format!("the notification records of order {id}")).await?;
        Ok(items.iter().filter_map(told).collect())
    }
}

/// SES can report a bounce before the record of the accepted mail is written.
fn overwrites_no_refusal(receipt: Receipt) -> Option<String> {
    (receipt == Receipt::Sent).then(|| format!("attribute_not_exists({REFUSED})"))
}

fn is_refused_already<R>(error: &SdkError<PutItemError, R>) -> bool {
    error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception)
}

fn sent_item(sending: &NotificationKey, receipt: Receipt, at: Timestamp) -> Item {
    let mut item = sent_key(sending);
    item.insert(AT.into(), string(at.to_string()));
    if let Receipt::Refused(refusal) = receipt {
        item.insert(REFUSED.into(), string(refusal.name()));
    }
    item
}

/// The notification record of a customer's channel with the number of its event; `None` for a topic's.
fn told(item: &Item) -> Option<(u64, NotificationRecord)> {
    let (_, sort) = key_of(item)?;
    let (sequence, recipient) = sort.strip_prefix(SENT_PREFIX)?.split_once('#')?;
    let channel = [Channel::Email, Channel::Sms, Channel::Push].into_iter().find(|channel| channel.name() == recipient);
    let reason = item.get(REFUSED).and_then(|reason| reason.as_s().ok()).cloned();
    let record = NotificationRecord {
        channel: channel?,
        outcome: if reason.is_some() { NotificationOutcome::Refused } else { NotificationOutcome::Sent },
        reason,
        at: item.get(AT).and_then(|at| serde_dynamo::from_attribute_value(at.clone()).ok()),
    };
    Some((sequence.parse().ok()?, record))
}

#[cfg(test)]
mod tests {
    use order_domain::notification::Topic;

    use super::*;
    use crate::ports::{Recipient, Refusal};

    /// The role may write nothing else, and the emulator does not notice.
    #[test]
    fn an_item_has_no_attribute_that_the_role_may_not_write() {
        let order_id = OrderId::new("ord-1").unwrap();
        let sms = NotificationKey { order_id, sequence: 12, recipient: Recipient::Customer(Channel::Sms) };
        let refused = Receipt::Refused(Refusal::InvalidNumber);
        let item = sent_item(&sms, refused, Timestamp::from_unix_seconds(1_764_000_000).unwrap());
        let names: HashSet<_> = item.keys().map(String::as_str).collect();
        assert_eq!(names, HashSet::from(order_contract::table::SENT_ATTRIBUTES));
    }

    #[test]
    fn an_item_is_read_for_a_customers_channel_and_not_for_a_topic() {
        let at = Timestamp::from_unix_seconds(1_764_000_000).unwrap();
        let order_id = OrderId::new("ord-1").unwrap();
        let sending = |recipient| NotificationKey { order_id: order_id.clone(), sequence: 12, recipient };
        let sms = sending(Recipient::Customer(Channel::Sms));
        let expected = NotificationRecord {
            channel: Channel::Sms,
            outcome: NotificationOutcome::Sent,
            reason: None,
            at: Some(at),
        };
        assert_eq!(told(&sent_item(&sms, Receipt::Sent, at)), Some((12, expected.clone())));
        let outcome = NotificationOutcome::Refused;
        let refused = NotificationRecord { outcome, reason: Some("INVALID_NUMBER".into()), ..expected };
        assert_eq!(told(&sent_item(&sms, Receipt::Refused(Refusal::InvalidNumber), at)), Some((12, refused)));
        let topic = sending(Recipient::Topic(Topic::PaymentStatus));
        assert_eq!(told(&sent_item(&topic, Receipt::Sent, at)), None);
    }
}
