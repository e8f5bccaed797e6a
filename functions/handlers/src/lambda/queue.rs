//! SQS events, and the partial batch response.

use std::collections::HashMap;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage, SqsMessageAttribute};
use order_contract::api::around::WEBHOOK_SIGNATURE_ATTRIBUTE;
use order_domain::time::Timestamp;

use super::WholeBatch;
use crate::adapters::sqs::ACCEPTED_AT_ATTRIBUTE;
use crate::batch::Delivery;
use crate::ports::Signed;

/// The deliveries of an event.
#[must_use]
pub fn deliveries(event: SqsEvent) -> Vec<Delivery> {
    event.records.into_iter().map(delivery).collect()
}

fn delivery(record: SqsMessage) -> Delivery {
    let number = |name: &str| record.attributes.get(name).and_then(|value| value.parse::<i64>().ok());
    let sent_at = number("SentTimestamp").and_then(|sent| Timestamp::from_unix_milliseconds(sent).ok());
    let sent_at = sent_at.unwrap_or_else(Timestamp::now);
    Delivery {
        receive_count: number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        sent_at,
        signed: signed(&record.message_attributes, sent_at),
        trace: record.attributes.get("AWSTraceHeader").cloned(),
        message_id: record.message_id.unwrap_or_default(),
        receipt_handle: record.receipt_handle.unwrap_or_default(),
        body: record.body.unwrap_or_default(),
    }
}

/// A webhook's signature. The API accepted the webhook when it was sent to the queue, unless it was redriven since.
fn signed(attributes: &HashMap<String, SqsMessageAttribute>, sent_at: Timestamp) -> Option<Signed> {
    let text = |name| attributes.get(name)?.string_value.clone();
    let signature = text(WEBHOOK_SIGNATURE_ATTRIBUTE)?;
    let accepted_at = text(ACCEPTED_AT_ATTRIBUTE)
        .and_then(|at: String| at.parse().ok())
        .and_then(|at| Timestamp::from_unix_milliseconds(at).ok());
    Some(Signed { signature, accepted_at: accepted_at.unwrap_or(sent_at) })
}

/// The partial batch response: these messages go back to the queue, every other one is done.
///
/// # Errors
/// When one of them cannot be named, since it came without an id: to leave it out would delete it, and Lambda takes an empty
/// or unknown name for the failure of all. So the whole batch goes back; what was done is not done again by a redelivery.
pub fn response(batch: &[Delivery], failed: Vec<String>) -> Result<SqsBatchResponse, WholeBatch> {
    let known = |name: &String| !name.is_empty() && batch.iter().any(|delivery| delivery.message_id == *name);
    if !failed.iter().all(known) {
        return Err(WholeBatch);
    }
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed
        .into_iter()
        .map(|message_id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            failure
        })
        .collect();
    Ok(response)
}
