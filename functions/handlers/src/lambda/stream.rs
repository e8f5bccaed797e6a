//! Events of the orders table's stream, and their partial batch response.

use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};

use super::WholeBatch;
use crate::stages::notify::Record;

/// The records of an event.
#[must_use]
pub fn records(event: StreamEvent) -> Vec<Record> {
    let records = event.records.into_iter().map(|record| Record {
        sequence_number: record.change.sequence_number.unwrap_or_default(),
        event: serde_dynamo::from_item(record.change.new_image).map_err(|error| error.to_string()),
    });
    records.collect()
}

/// The partial batch response: Lambda delivers the shard again from the first of these.
///
/// # Errors
/// When one of them cannot be named, since it came without a number: to leave it out would be to lose it. So the whole batch
/// is delivered again, in halves. Notifications that were recorded are not sent again.
pub fn response(batch: &[Record], failed: Vec<String>) -> Result<DynamoDbEventResponse, WholeBatch> {
    let known = |name: &String| !name.is_empty() && batch.iter().any(|record| record.sequence_number == *name);
    if !failed.iter().all(known) {
        return Err(WholeBatch);
    }
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = failed
        .into_iter()
        .map(|sequence_number| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(sequence_number);
            failure
        })
        .collect();
    Ok(response)
}
