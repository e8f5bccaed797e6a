//! Events of the orders table's stream, and their partial batch response.

use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};

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
#[must_use]
pub fn response(failed: Vec<String>) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = failed
        .into_iter()
        .map(|sequence_number| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(sequence_number);
            failure
        })
        .collect();
    response
}
