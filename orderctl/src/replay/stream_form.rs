//! Converts stored events into the form in which the table's stream delivers them to Lambda.

use aws_sdk_dynamodb::types::AttributeValue;
use order_contract::table;
use order_domain::time::Timestamp;
use serde_json::{Map, Value, json};

use super::event_id::EventId;
use super::events::Item;
use order_contract::REGION;

/// The id of the event in an item; `None` for an item without an event's keys.
#[must_use]
pub fn event_id(item: &Item) -> Option<EventId> {
    let text = |name| item.get(name)?.as_s().ok();
    let order = text(table::PARTITION_KEY)?;
    let sequence = text(table::SORT_KEY)?.strip_prefix(table::EVENT_PREFIX)?;
    Some(EventId {
        order_id: order.strip_prefix("ORDER#").unwrap_or(order).to_owned(),
        sequence: sequence.parse().ok()?,
    })
}

/// Lambda's stream event for these items (docs.aws.amazon.com/lambda, with-ddb-example: "Sample DynamoDB event").
#[must_use]
pub fn payload(items: &[(EventId, Item)]) -> Value {
    let now = Timestamp::now();
    json!({ "Records": items.iter().map(|(id, item)| record(id, item, now)).collect::<Vec<_>>() })
}

fn record(id: &EventId, item: &Item, now: Timestamp) -> Value {
    let key = |name: &str| item.get(name).map_or(Value::Null, to_json);
    let written = item.get("at").and_then(|at| at.as_s().ok()?.parse::<Timestamp>().ok()).unwrap_or(now);
    json!({
        "eventID": id.sequence_number(),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": written.unix_milliseconds() / 1000,
            "Keys": { table::PARTITION_KEY: key(table::PARTITION_KEY), table::SORT_KEY: key(table::SORT_KEY) },
            "NewImage": map(item.iter()),
            "SequenceNumber": id.sequence_number(),
            // The item's size in the stream; notify does not read it.
            "SizeBytes": 0,
            "StreamViewType": "NEW_IMAGE",
        },
    })
}

fn map<'a>(entries: impl Iterator<Item = (&'a String, &'a AttributeValue)>) -> Value {
    Value::Object(entries.map(|(name, value)| (name.clone(), to_json(value))).collect::<Map<_, _>>())
}

/// An attribute in DynamoDB's JSON. A type that this SDK does not know becomes null, and notify then reports that the
/// record is not an event.
fn to_json(value: &AttributeValue) -> Value {
    let binary = |blob: &aws_sdk_dynamodb::primitives::Blob| aws_smithy_types::base64::encode(blob);
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(flag) => json!({ "NULL": flag }),
        AttributeValue::B(blob) => json!({ "B": binary(blob) }),
        AttributeValue::M(entries) => json!({ "M": map(entries.iter()) }),
        AttributeValue::L(values) => json!({ "L": values.iter().map(to_json).collect::<Vec<_>>() }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(blobs) => json!({ "BS": blobs.iter().map(binary).collect::<Vec<_>>() }),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use order_domain::event::{Cause, Event, EventType};
    use order_domain::id::{CustomerId, OrderId};
    use order_domain::money::{Currency, Money};
    use order_domain::order::{OrderStatus, PaymentStatus, RejectionReason, ShipmentStatus};
    use order_handlers::lambda::stream::records;

    use super::*;

    fn event() -> Event {
        Event {
            order_id: OrderId::new("ord-1").unwrap(),
            customer_id: CustomerId::new("cus-1").unwrap(),
            sequence: 3,
            event_type: EventType::OrderRejected,
            at: Timestamp::from_unix_seconds(1_764_000_000).unwrap(),
            actor: "validate".into(),
            cause: Cause::PlaceOrder,
            message_id: "m-1".into(),
            status: OrderStatus::Rejected,
            payment_status: PaymentStatus::None,
            shipment_status: ShipmentStatus::None,
            total: Money::new(1998, Currency::GBP),
            reason: Some(RejectionReason::PriceMismatch { expected: 1, actual: 1998 }),
            cancellation: None,
            attention: None,
            shipment: None,
            refund_due: 0,
            refunded: 0,
        }
    }

    fn stored(event: &Event) -> Item {
        let mut item: Item = serde_dynamo::to_item(event).unwrap();
        item.insert("pk".into(), AttributeValue::S("ORDER#ord-1".into()));
        item.insert("sk".into(), AttributeValue::S("EVENT#0000000003".into()));
        item
    }

    /// Notify's own parser must accept a replayed event.
    #[test]
    fn notify_reads_a_replayed_event_as_it_was_stored() {
        let item = stored(&event());
        let id = event_id(&item).unwrap();
        let read = records(serde_json::from_value(payload(&[(id, item)])).unwrap());
        assert_eq!(read[0].event, Ok(event()));
        assert_eq!(read[0].sequence_number, "replay:ord-1:3");
        assert_eq!(EventId::of_sequence_number("replay:ord-1:3"), event_id(&stored(&event())));
    }

    #[test]
    fn every_attribute_type_is_converted() {
        use aws_sdk_dynamodb::primitives::Blob;
        let blob = || Blob::new([1, 2, 255]);
        let values = AttributeValue::L(vec![
            AttributeValue::Bool(true),
            AttributeValue::Null(true),
            AttributeValue::B(blob()),
            AttributeValue::Ss(vec!["a".into()]),
            AttributeValue::Ns(vec!["1".into()]),
            AttributeValue::Bs(vec![blob()]),
        ]);
        let expected = json!({ "L": [
            { "BOOL": true }, { "NULL": true }, { "B": "AQL/" }, { "SS": ["a"] }, { "NS": ["1"] }, { "BS": ["AQL/"] },
        ] });
        assert_eq!(to_json(&values), expected);
    }

    #[test]
    fn an_item_that_is_not_an_event_has_no_id() {
        let mut item = stored(&event());
        item.insert("sk".into(), AttributeValue::S("ORDER".into()));
        assert_eq!(event_id(&item), None);
    }
}
