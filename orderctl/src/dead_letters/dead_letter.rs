//! One dead letter, read so far as a person may see it.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName as SystemAttribute};
use order_domain::id::{CustomerId, OrderId};
use order_domain::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::replay::EventId;

/// The reason of a letter that SQS moved by itself: its receives were used up, which only happens to messages that kill the
/// function. Nobody wrote a reason into it.
pub const TOO_MANY_RECEIVES: &str = "TOO_MANY_RECEIVES";

/// The attributes that a stage writes when it buries a message (`order_handlers::adapters::sqs`).
const REASON: &str = "reason";
const ERROR: &str = "error";
const SOURCE_MESSAGE_ID: &str = "sourceMessageId";
const TRACE: &str = "traceHeader";

/// A dead letter. Its body is kept for redriving and is never shown: it can be a whole order with its customer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Its id in the dead-letter queue.
    pub message_id: String,
    /// The order that it is about, where the body names one.
    pub order_id: Option<OrderId>,
    /// The customer, where the body names one.
    pub customer_id: Option<CustomerId>,
    /// Why it is here: a stage's reason, Lambda's condition, or [`TOO_MANY_RECEIVES`].
    pub reason: String,
    /// The error and its causes, where a stage wrote them down.
    pub error: Option<String>,
    /// X-Ray's trace header.
    pub trace: Option<String>,
    /// When it was sent: to this queue by a stage, or to its source queue, where SQS moved it.
    pub sent_at: Timestamp,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// The id that it had in its source queue.
    pub source_message_id: Option<String>,
    /// The part of the table's stream that it stands for.
    pub stream_batch: Option<StreamBatch>,
    #[serde(skip)]
    pub(super) content: Content,
}

/// What Lambda says of the records of a stream that it gave up; the records themselves are not in the letter.
/// (docs.aws.amazon.com/lambda, services-dynamodb-errors.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamBatch {
    /// The stream's shard.
    pub shard_id: String,
    /// The first record's place in it.
    pub start_sequence_number: String,
    /// The last record's place in it.
    pub end_sequence_number: String,
    /// When the first record was written, about.
    pub first_at: Timestamp,
    /// When the last one was.
    pub last_at: Timestamp,
    /// How many records it were.
    pub records: u64,
}

/// What is needed to send the letter on, and hidden from whoever prints it.
#[derive(Clone, Default)]
pub(super) struct Content {
    pub body: String,
    pub receipt_handle: String,
    /// The message's own attributes, without those that a stage adds when it buries one.
    pub attributes: HashMap<String, MessageAttributeValue>,
    /// The stream's number of a record that is no event.
    pub sequence_number: Option<String>,
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Content(hidden)")
    }
}

impl DeadLetter {
    /// Reads a message as SQS delivered it.
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

/// Orders, commands and shipments name it in different places. A text of another shape is not an id and may be anything a
/// person wrote: it is not shown.
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

/// A text of a letter as it may go to a terminal: what could steer the terminal is shown as its number.
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
    fn a_letter_shows_its_order_and_customer_by_id_and_nothing_that_they_wrote() {
        let letter =
            DeadLetter::read(message(ORDER, &[("reason", "NOT_AN_ORDER"), ("error", "it is not"), ("own", "x")]));
        assert_eq!(letter.order_id.as_ref().unwrap().as_str(), "ord-1");
        assert_eq!(letter.customer_id.as_ref().unwrap().as_str(), "cus-1");
        assert_eq!((letter.reason.as_str(), letter.error.as_deref()), ("NOT_AN_ORDER", Some("it is not")));
        assert_eq!(letter.content.attributes.keys().collect::<Vec<_>>(), ["own"]);
        for shown in [format!("{letter:?}"), serde_json::to_string(&letter).unwrap()] {
            assert!(!shown.contains("Ada") && !shown.contains("ada@") && !shown.contains("High Street"), "{shown}");
        }
    }

    #[test]
    fn a_letter_without_a_reason_was_moved_by_sqs() {
        assert_eq!(DeadLetter::read(message("not json", &[])).reason, TOO_MANY_RECEIVES);
    }

    #[test]
    fn an_id_that_is_none_is_not_shown() {
        let letter = DeadLetter::read(message(r#"{"orderId":"Ada Lovelace","customerId":7}"#, &[]));
        assert_eq!((letter.order_id, letter.customer_id), (None, None));
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
    fn lambdas_document_tells_the_part_of_the_stream_and_its_condition() {
        let body = r#"{"requestContext":{"requestId":"r","functionArn":"arn","condition":"RetryAttemptsExhausted",
            "approximateInvokeCount":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST",
            "functionError":"Unhandled"},"version":"1.0","timestamp":"2025-11-24T16:05:00.021Z",
            "DDBStreamBatchInfo":{"shardId":"shardId-1","startSequenceNumber":"8","endSequenceNumber":"9",
            "approximateArrivalOfFirstRecord":"2025-11-24T16:00:00Z",
            "approximateArrivalOfLastRecord":"2025-11-24T16:01:00Z","batchSize":2,"streamArn":"arn"}}"#;
        let letter = DeadLetter::read(message(body, &[]));
        assert_eq!(letter.reason, "RetryAttemptsExhausted");
        let batch = letter.stream_batch.unwrap();
        assert_eq!((batch.records, batch.shard_id.as_str()), (2, "shardId-1"));
        assert_eq!(batch.first_at.unix_milliseconds(), 1_764_000_000_000);
    }

    #[test]
    fn what_could_steer_a_terminal_is_made_harmless() {
        assert_eq!(printable("a\u{1b}[2Jb\n£"), "a\\u{1b}[2Jb\\u{a}£");
    }
}
