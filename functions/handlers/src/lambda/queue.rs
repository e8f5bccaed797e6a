//! SQS events, and the partial batch response.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use order_domain::message::WEBHOOK_SIGNATURE_ATTRIBUTE;
use order_domain::time::Timestamp;

use crate::batch::Delivery;

/// The deliveries of an event.
#[must_use]
pub fn deliveries(event: SqsEvent) -> Vec<Delivery> {
    let records = event.records.into_iter().map(|record| {
        let number = |name: &str| record.attributes.get(name).and_then(|value| value.parse::<i64>().ok());
        let sent_at = number("SentTimestamp").and_then(|sent| Timestamp::from_unix_milliseconds(sent).ok());
        Delivery {
            receive_count: number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
            sent_at: sent_at.unwrap_or_else(Timestamp::now),
            signature: record
                .message_attributes
                .get(WEBHOOK_SIGNATURE_ATTRIBUTE)
                .and_then(|attribute| attribute.string_value.clone()),
            trace: record.attributes.get("AWSTraceHeader").cloned(),
            message_id: record.message_id.unwrap_or_default(),
            receipt_handle: record.receipt_handle.unwrap_or_default(),
            body: record.body.unwrap_or_default(),
        }
    });
    records.collect()
}

/// The partial batch response: these messages go back to the queue, every other one is done.
#[must_use]
pub fn response(failed: Vec<String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed
        .into_iter()
        .map(|message_id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            failure
        })
        .collect();
    response
}
