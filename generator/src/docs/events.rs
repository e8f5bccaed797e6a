//! `docs/event.schema.json` and `docs/events.md`: the messages on the topics, for those who subscribe to them.

use std::fmt::Write as _;
use std::path::Path;

use order_contract::topic_attribute::TopicAttribute;
use order_domain::event::{Event, EventType};
use order_domain::notification::{Topic, topics_of};
use order_domain::order::OrderStatus;
use serde_json::{Map, Value};

use super::page::{FOLDER, page};
use crate::RenderedFile;
use crate::pipeline::topic_name;
use crate::readme::MARKER;

/// What an attribute of a message holds.
const fn held_by(attribute: TopicAttribute) -> &'static str {
    match attribute {
        TopicAttribute::EventType => "what happened, e.g. `ORDER_CONFIRMED`",
        TopicAttribute::Status => "where the order stands after it, e.g. `CONFIRMED`",
        TopicAttribute::CustomerId => "whose order it is",
        TopicAttribute::Environment => "the environment's suffix, e.g. `prod`",
    }
}

/// The schema.
#[must_use]
pub fn schema() -> RenderedFile {
    let mut document = Map::new();
    document.insert("$comment".to_owned(), format!("{MARKER} from the generator; do not edit.").into());
    if let Value::Object(schema) = order_contract::schema::published::<Event>() {
        document.extend(schema);
    }
    RenderedFile {
        path: Path::new(FOLDER).join("event.schema.json"),
        content: format!("{:#}\n", Value::Object(document)),
    }
}

/// The page about them.
#[must_use]
pub fn file() -> RenderedFile {
    let mut text = String::from(
        "Every change of an order is published to other systems by one message on each of its topics, at least once: the pair of\n\
         `orderId` and `sequence` tells a repetition. Messages can overtake each other; `sequence` rises by one from each\n\
         event of an order to the next. The message is a JSON document of [event.schema.json](event.schema.json); it holds\n\
         no personal data.\n\n\
         ## Message attributes\n\n\
         Each is a `String`, for a subscription's filter policy.\n\n\
         | attribute | value |\n| --- | --- |\n",
    );
    for attribute in TopicAttribute::ALL.iter().copied() {
        let _ = writeln!(text, "| `{}` | {} |", attribute.name(), held_by(attribute));
    }
    let badly = [OrderStatus::Rejected, OrderStatus::OutOfStock, OrderStatus::PaymentDeclined, OrderStatus::Cancelled];
    let badly = badly.map(|status| format!("\"{}\"", status.name())).join(", ");
    let _ = write!(
        text,
        "\nFor example, only what ends an order badly:\n\n```json\n{{ \"{}\": [{badly}] }}\n```\n\n## Events\n\n\
         | event | meaning |",
        TopicAttribute::Status.name()
    );
    for topic in Topic::ALL.iter().copied() {
        let _ = write!(text, " `{}` |", topic_name(topic));
    }
    let _ = writeln!(text, "\n| --- | --- |{}", " :-: |".repeat(Topic::ALL.len()));
    let schema = order_contract::schema::published::<EventType>();
    for event in EventType::ALL.iter().copied() {
        let on = |topic: Topic| if topics_of(event).contains(&topic) { " x |" } else { " |" };
        let topics: String = Topic::ALL.iter().copied().map(on).collect();
        let _ = writeln!(text, "| `{}` | {} |{topics}", event.name(), meaning(&schema, event));
    }
    page("events.md", "Events", &text)
}

/// What the type's own documentation says of an event.
fn meaning(schema: &Value, event: EventType) -> String {
    let described = schema["oneOf"].as_array().into_iter().flatten().find(|one| one["const"] == event.name());
    described.and_then(|one| one["description"].as_str()).unwrap_or_default().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::docs::explore::explore;

    use super::super::states::sample;
    use super::*;

    #[test]
    fn every_event_is_on_the_page_with_its_meaning_and_a_topic() {
        let text = file().content;
        for event in EventType::ALL.iter().copied() {
            let start = format!("| `{}` | ", event.name());
            let row = text.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_else(|| panic!("{start}"));
            assert!(row.len() > 20 && !row.starts_with('|') && row.contains(" x |"), "{row}");
        }
    }

    #[test]
    fn the_schema_requires_what_is_always_there() {
        let schema: Value = serde_json::from_str(&schema().content).unwrap();
        let required: Vec<_> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for field in ["orderId", "sequence", "eventType", "status", "total", "refunded"] {
            assert!(required.contains(&field), "{field} is not among {required:?}");
        }
        assert!(!required.contains(&"reason") && !required.contains(&"shipment"));
    }

    /// Whoever subscribes may check every message: none that an order can cause is refused, and what is none is.
    #[test]
    fn every_event_that_an_order_can_have_fits_the_schema() {
        let schema: Value = serde_json::from_str(&schema().content).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let events = explore(&sample().unwrap()).events;
        let types: BTreeSet<EventType> = events.iter().map(|event| event.event_type).collect();
        // The first event of an order does not answer a command.
        assert!(types.len() >= EventType::ALL.len() - 2, "{types:?}");
        for event in events {
            let message = serde_json::to_value(event).unwrap();
            let errors: Vec<String> = schema.iter_errors(&message).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{message} does not fit: {errors:?}");
            for (field, wrong) in [("sequence", Value::from("3")), ("eventType", "GOSSIP".into()), ("total", 5.into())]
            {
                let mut broken = message.clone();
                broken[field] = wrong;
                assert!(!schema.is_valid(&broken), "{broken}");
            }
        }
    }
}
