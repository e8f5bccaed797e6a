//! One dead-lettered message, without its customer's personal data.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName as SystemAttribute};
use order_domain::id::{CustomerId, OrderId};
use order_domain::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::replay::EventId;

/// The reason of a message that SQS moved by itself after its last receive: the function crashed on it each time, or did
/// not run. No stage wrote a reason.
pub const TOO_MANY_RECEIVES: &str = "TOO_MANY_RECEIVES";

/// The attributes that a stage adds when it dead-letters a message (`order_handlers::adapters::sqs`).
const REASON: &str = "reason";
const ERROR: &str = "error";
const SOURCE_MESSAGE_ID: &str = "sourceMessageId";
const TRACE: &str = "traceHeader";

/// A dead-lettered message. Its body is kept for a redrive and is never shown: it can be a whole order.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The message's id in the dead-letter queue.
    pub message_id: String,
    /// The order, if the body names one.
    pub order_id: Option<OrderId>,
    /// The customer, if the body names one.
    pub customer_id: Option<CustomerId>,
    /// The reason: a stage's, Lambda's condition, or [`TOO_MANY_RECEIVES`].
    pub reason: String,
    /// The error and its causes, if a stage recorded them.
    pub error: Option<String>,
    /// X-Ray's trace header.
    pub trace: Option<String>,
    /// When a stage sent it to this queue; if SQS moved it, when it was sent to its source queue.
    pub sent_at: Timestamp,
    /// How often it was received, including this time.
    pub receive_count: u32,
    /// The message's id in its source queue.
    pub source_message_id: Option<String>,
    /// The range of the table's stream that it refers to.
    pub stream_batch: Option<StreamBatch>,
    #[serde(skip)]
    pub(super) content: Content,
}

/// Lambda's description of stream records that it could not process. The message does not contain the records.
/// (docs.aws.amazon.com/lambda, services-dynamodb-errors.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamBatch {
    /// The stream's shard.
    pub shard_id: String,
    /// Sequence number of the first record.
    pub start_sequence_number: String,
    /// Sequence number of the last record.
    pub end_sequence_number: String,
    /// Approximate time of the first record.
    pub first_at: Timestamp,
    /// Approximate time of the last record.
    pub last_at: Timestamp,
    /// Number of records.
    pub records: u64,
}

/// What a redrive needs; its `Debug` output hides it.
#[derive(Clone, Default)]
pub(super) struct Content {
    pub body: String,
    pub receipt_handle: String,
    /// The message's own attributes, without those that a stage adds when it dead-letters a message.
    pub attributes: HashMap<String, MessageAttributeValue>,
    /// The stream's sequence number of a record that is not an event.
    pub sequence_number: Option<String>,
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Content(hidden)")
    }
}

impl DeadLetter {
    /// Reads a message from SQS.
    pub(super) fn read(message: Message) -> Self {
        let body = message.body.unwrap_or_default();
        let document: Value = serde_json::from_str(&body).unwrap_or_default();
        let system = message.attributes.unwrap_or_default();
        let number = |name| system.get(&name).and_then(|value: &String| value.parse::<i64>().ok());
        let mut attributes = message.message_attributes.unwrap_or_default();
        let mut text = |name| attributes.remove(name).and_then(|value| value.string_value);
        let (reason, error) = (text(REASON), text(ERROR));
        let (source_message_id, trace) = (text(SOURCE_MESSAGE_ID), text(TRACE));
        let condition = document.pointer("/requestContext/condition").and_then(Value::as_str);
        let sequence_number = document.get("sequenceNumber").and_then(Value::as_str).map(str::to_owned);
        let sent_at = number(SystemAttribute::SentTimestamp).and_then(|at| Timestamp::from_unix_milliseconds(at).ok());
        Self {
            message_id: message.message_id.unwrap_or_default(),
            order_id: order_id(&document, sequence_number.as_deref()),
            customer_id: document.get("customerId").and_then(Value::as_str).and_then(|id| CustomerId::new(id).ok()),
            reason: reason.or_else(|| condition.map(str::to_owned)).unwrap_or_else(|| TOO_MANY_RECEIVES.to_owned()),
            error,
            trace: trace.or_else(|| system.get(&SystemAttribute::AwsTraceHeader).cloned()),
            sent_at: sent_at.unwrap_or_else(Timestamp::now),
            receive_count: number(SystemAttribute::ApproximateReceiveCount)
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(1),
            source_message_id,
            stream_batch: stream_batch(&document),
            content: Content {
                body,
                receipt_handle: message.receipt_handle.unwrap_or_default(),
                attributes,
                sequence_number,
            },
        }
    }
}

/// Orders, commands and shipments name their order in different places. A text that is not a valid id could be personal
/// data, so it is not shown.
fn order_id(document: &Value, sequence_number: Option<&str>) -> Option<OrderId> {
    let named = ["/orderId", "/shipment/orderId"].into_iter().find_map(|place| document.pointer(place)?.as_str());
    let replayed = || sequence_number.and_then(EventId::of_sequence_number).map(|id| id.order_id);
    OrderId::new(named.map(str::to_owned).or_else(replayed)?).ok()
}

fn stream_batch(document: &Value) -> Option<StreamBatch> {
    let batch = document.get("DDBStreamBatchInfo")?;
    let text = |name: &str| batch.get(name)?.as_str().map(str::to_owned);
    let time = |name: &str| text(name)?.parse().ok();
    Some(StreamBatch {
        shard_id: text("shardId").unwrap_or_default(),
        start_sequence_number: text("startSequenceNumber").unwrap_or_default(),
        end_sequence_number: text("endSequenceNumber").unwrap_or_default(),
        first_at: time("approximateArrivalOfFirstRecord")?,
        last_at: time("approximateArrivalOfLastRecord")?,
        records: batch.get("batchSize").and_then(Value::as_u64).unwrap_or_default(),
    })
}

/// Escapes control characters, so that a message's text cannot control the terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|sign| {
            let escaped = sign.is_control().then(|| sign.escape_unicode());
            let plain = escaped.is_none().then_some(sign);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn message(body: &str, attributes: &[(&str, &str)]) -> Message {
        let value =
            |text: &str| MessageAttributeValue::builder().data_type("String").string_value(text).build().unwrap();
        let attributes: HashMap<_, _> =
            attributes.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect();
        Message::builder()
            .message_id("m-1")
            .receipt_handle("handle")
            .body(body)
            .attributes(SystemAttribute::SentTimestamp, "1764000000000")
            .attributes(SystemAttribute::ApproximateReceiveCount, "3")
            .set_message_attributes(Some(attributes))
            .build()
    }

    const ORDER: &str = r#"{"orderId":"ord-1","customerId":"cus-1","customer":{"name":"Ada","email":"ada@example.com"},
        "shippingAddress":{"line1":"1 High Street"}}"#;

    #[test]
    fn a_message_shows_the_order_and_customer_ids_and_no_personal_data() {
        let message =
            DeadLetter::read(message(ORDER, &[("reason", "NOT_AN_ORDER"), ("error", "it is not"), ("own", "x")]));
        assert_eq!(message.order_id.as_ref().unwrap().as_str(), "ord-1");
        assert_eq!(message.customer_id.as_ref().unwrap().as_str(), "cus-1");
        assert_eq!((message.reason.as_str(), message.error.as_deref()), ("NOT_AN_ORDER", Some("it is not")));
        assert_eq!(message.content.attributes.keys().collect::<Vec<_>>(), ["own"]);
        for shown in [format!("{message:?}"), serde_json::to_string(&message).unwrap()] {
            assert!(!shown.contains("Ada") && !shown.contains("ada@") && !shown.contains("High Street"), "{shown}");
        }
    }

    #[test]
    fn a_message_without_a_reason_was_moved_by_sqs() {
        assert_eq!(DeadLetter::read(message("not json", &[])).reason, TOO_MANY_RECEIVES);
    }

    #[test]
    fn an_invalid_id_is_not_shown() {
        let message = DeadLetter::read(message(r#"{"orderId":"Ada Lovelace","customerId":7}"#, &[]));
        assert_eq!((message.order_id, message.customer_id), (None, None));
    }

    #[test]
    fn commands_shipments_and_replayed_events_name_their_order() {
        for body in [
            r#"{"orderId":"ord-7","command":"RESERVE_STOCK"}"#,
            r#"{"command":"RECORD_SHIPMENT","shipment":{"update":"DELIVERED","orderId":"ord-7"}}"#,
            r#"{"sequenceNumber":"replay:ord-7:12"}"#,
        ] {
            assert_eq!(DeadLetter::read(message(body, &[])).order_id.unwrap().as_str(), "ord-7", "{body}");
        }
    }

    #[test]
    fn lambdas_document_gives_the_stream_range_and_the_condition() {
        let body = r#"{"requestContext":{"requestId":"r","functionArn":"arn","condition":"RetryAttemptsExhausted",
            "approximateInvokeCount":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST",
            "functionError":"Unhandled"},"version":"1.0","timestamp":"2025-11-24T16:05:00.021Z",
            "DDBStreamBatchInfo":{"shardId":"shardId-1","startSequenceNumber":"8","endSequenceNumber":"9",
            "approximateArrivalOfFirstRecord":"2025-11-24T16:00:00Z",
            "approximateArrivalOfLastRecord":"2025-11-24T16:01:00Z","batchSize":2,"streamArn":"arn"}}"#;
        let message = DeadLetter::read(message(body, &[]));
        assert_eq!(message.reason, "RetryAttemptsExhausted");
        let batch = message.stream_batch.unwrap();
        assert_eq!((batch.records, batch.shard_id.as_str()), (2, "shardId-1"));
        assert_eq!(batch.first_at.unix_milliseconds(), 1_764_000_000_000);
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("a\u{1b}[2Jb\n£"), "a\\u{1b}[2Jb\\u{a}£");
    }
}
