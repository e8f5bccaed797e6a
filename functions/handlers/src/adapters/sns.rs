//! Notifications by SNS: events to topics in full batches, text messages to phone numbers, push notifications to devices.

use std::collections::BTreeMap;

use aws_sdk_sns::Client;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::publish::{PublishError, PublishOutput};
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use order_contract::topic_attribute::TopicAttribute;
use order_contract::variable;
use order_domain::event::Event;
use order_domain::notification::Topic;
use serde_json::json;

use super::settings::{self, SettingError};
use crate::failure::Failure;
use crate::ports::{Push, Receipt, Refusal};

/// Most entries of one PublishBatch (docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html).
pub(super) const BATCH: usize = 10;

/// The topics, the SMS service and the push service.
#[derive(Debug, Clone)]
pub struct Sns {
    client: Client,
    environment: String,
    topics: BTreeMap<Topic, String>,
}

impl Sns {
    /// The topics that the environment names.
    ///
    /// # Errors
    /// When it does not name them all.
    pub fn from_environment(client: Client) -> Result<Self, SettingError> {
        let topics = Topic::ALL.iter().copied().map(|topic| Ok((topic, settings::text(variable::topic_arn(topic))?)));
        let environment = settings::text(variable::ENVIRONMENT_SUFFIX)?;
        Ok(Self { client, environment, topics: topics.collect::<Result<_, SettingError>>()? })
    }

    /// Publishes at most [`BATCH`] events to a topic; one answer for each.
    pub(super) async fn publish(&self, topic: Topic, events: &[&Event]) -> Vec<Result<Receipt, Failure>> {
        match self.publish_batch(topic, events).await {
            Ok(results) => results,
            Err(failure) => events.iter().map(|_| Err(failure.clone())).collect(),
        }
    }

    async fn publish_batch(&self, topic: Topic, events: &[&Event]) -> Result<Vec<Result<Receipt, Failure>>, Failure> {
        let what = || format!("{} events could not be published to {}", events.len(), topic.name());
        let mut entries = Vec::with_capacity(events.len());
        for (position, event) in events.iter().enumerate() {
            let message = serde_json::to_string(event).map_err(|error| Failure::transient(what(), error))?;
            let mut entry = PublishBatchRequestEntry::builder().id(position.to_string()).message(message);
            for attribute in TopicAttribute::ALL.iter().copied() {
                let value = match attribute {
                    TopicAttribute::EventType => event.event_type.name(),
                    TopicAttribute::Status => event.status.name(),
                    TopicAttribute::CustomerId => event.customer_id.as_str(),
                    TopicAttribute::Environment => &self.environment,
                };
                let value = text(value).map_err(|error| Failure::transient(what(), error))?;
                entry = entry.message_attributes(attribute.name(), value);
            }
            entries.push(entry.build().map_err(|error| Failure::transient(what(), error))?);
        }
        let arn = self.topics.get(&topic).map(String::as_str).unwrap_or_default();
        let published =
            self.client.publish_batch().topic_arn(arn).set_publish_batch_request_entries(Some(entries)).send();
        // A refused event is transient: events come from the outbox and must never be lost.
        let published = published.await.map_err(|error| Failure::transient(what(), error))?;
        let failed = |position: usize| published.failed().iter().find(move |entry| entry.id() == position.to_string());
        Ok((0..events.len())
            .map(|position| match failed(position) {
                None => Ok(Receipt::Sent),
                Some(entry) => Err(Failure::transient_because(format!("{} ({})", what(), entry.code()))),
            })
            .collect())
    }

    /// Sends a text message.
    pub(super) async fn sms(&self, phone: &str, message: &str) -> Result<Receipt, Failure> {
        let what = "a text message could not be sent";
        // Transactional: delivered with priority (docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html).
        let kind = text("Transactional").map_err(|error| Failure::transient(what, error))?;
        let publish = self.client.publish().phone_number(phone).message(message);
        receipt(what, publish.message_attributes("AWS.SNS.SMS.SMSType", kind).send().await, sms_refusal)
    }

    /// Sends a push notification to a device.
    pub(super) async fn push(&self, endpoint: &str, push: &Push) -> Result<Receipt, Failure> {
        // SNS answers the same for another account's endpoint and for a missing permission. The first is permanent, and an
        // operator fixes the second, so the endpoint's account is checked here.
        if !self.topics.values().all(|topic| is_of_the_same_account(endpoint, topic)) {
            return Ok(Receipt::Refused(Refusal::EndpointUnknown));
        }
        let publish = self.client.publish().target_arn(endpoint).message_structure("json").message(payload(push));
        receipt("a push notification could not be sent", publish.send().await, push_refusal)
    }
}

/// Whether a device's endpoint is of the topic's account and region.
fn is_of_the_same_account(endpoint: &str, topic: &str) -> bool {
    let home = topic.rsplit_once(':').map(|(home, _)| home);
    home.and_then(|home| endpoint.strip_prefix(home)).is_some_and(|rest| rest.starts_with(":endpoint/"))
}

/// The codes of text messages that will never be taken.
fn sms_refusal(code: &str) -> Option<Refusal> {
    match code {
        "InvalidParameter" | "InvalidParameterValue" => Some(Refusal::InvalidNumber),
        "OptedOut" => Some(Refusal::OptedOut),
        _ => None,
    }
}

/// The codes of push notifications that will never be taken.
fn push_refusal(code: &str) -> Option<Refusal> {
    match code {
        "EndpointDisabled" => Some(Refusal::EndpointDisabled),
        "NotFound" | "InvalidParameter" | "InvalidParameterValue" => Some(Refusal::EndpointUnknown),
        _ => None,
    }
}

/// The words for every kind of device (docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html).
fn payload(push: &Push) -> String {
    let Push { title, body, order_id } = push;
    let google = json!({ "fcmV1Message": { "message": {
        "notification": { "title": title, "body": body }, "data": { "orderId": order_id },
    } } });
    let apple = json!({ "aps": { "alert": { "title": title, "body": body } }, "orderId": order_id }).to_string();
    json!({ "default": body, "GCM": google.to_string(), "APNS": apple, "APNS_SANDBOX": apple }).to_string()
}

/// The result of a message to one customer: `refusal` has the codes that are permanent. All others are transient, also a
/// missing permission, which an operator fixes.
fn receipt<R>(
    what: &str,
    published: Result<PublishOutput, SdkError<PublishError, R>>,
    refusal: impl Fn(&str) -> Option<Refusal>,
) -> Result<Receipt, Failure> {
    let Err(error) = published else { return Ok(Receipt::Sent) };
    // SNS repeats the number in its message, and a number must not reach a log: only the code goes on.
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    match code.and_then(refusal) {
        Some(refusal) => Ok(Receipt::Refused(refusal)),
        None => Err(Failure::transient_because(format!("{what} ({})", code.unwrap_or("no answer")))),
    }
}

fn text(value: &str) -> Result<MessageAttributeValue, aws_sdk_sns::error::BuildError> {
    MessageAttributeValue::builder().data_type("String").string_value(value).build()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sns::error::ErrorMetadata;
    use order_domain::id::OrderId;
    use serde_json::Value;

    use super::*;

    fn error(code: &str) -> SdkError<PublishError, ()> {
        let metadata = ErrorMetadata::builder().code(code).message("+447700900001 is not a number").build();
        SdkError::service_error(PublishError::generic(metadata), ())
    }

    #[test]
    fn a_permanent_refusal_is_final_and_everything_else_is_retried() {
        let sms = |code| receipt("a text", Err(error(code)), sms_refusal);
        let push = |code| receipt("a push", Err(error(code)), push_refusal);
        assert_eq!(sms("InvalidParameter").unwrap(), Receipt::Refused(Refusal::InvalidNumber));
        assert_eq!(sms("OptedOut").unwrap(), Receipt::Refused(Refusal::OptedOut));
        assert_eq!(push("EndpointDisabled").unwrap(), Receipt::Refused(Refusal::EndpointDisabled));
        assert_eq!(push("NotFound").unwrap(), Receipt::Refused(Refusal::EndpointUnknown));
        for code in ["Throttled", "AuthorizationError", "InternalError", "PlatformApplicationDisabled", "New"] {
            for answer in [sms(code), push(code)] {
                let failure = answer.unwrap_err().to_string();
                assert!(failure.contains(code) && !failure.contains("+44"), "{failure}");
            }
        }
        let slow = Err(SdkError::<PublishError, ()>::timeout_error("slow"));
        assert!(receipt("a text", slow, sms_refusal).is_err());
    }

    #[test]
    fn a_device_of_another_account_or_region_or_a_topic_is_not_ours() {
        let topic = "arn:aws:sns:eu-west-2:123456789012:payment-status-topic-dev";
        assert!(is_of_the_same_account("arn:aws:sns:eu-west-2:123456789012:endpoint/GCM/Shop/1", topic));
        for other in [
            "arn:aws:sns:eu-west-2:999999999999:endpoint/GCM/Shop/1",
            "arn:aws:sns:us-east-1:123456789012:endpoint/GCM/Shop/1",
            "arn:aws:sns:eu-west-2:123456789012:payment-status-topic-dev",
            "",
        ] {
            assert!(!is_of_the_same_account(other, topic), "{other}");
        }
    }

    #[test]
    fn a_push_is_json_within_json_for_every_kind_of_device() {
        let hostile = r#"Post "},{" \ Ada"#;
        let push = Push { title: "Shop".into(), body: hostile.into(), order_id: OrderId::new("ord-1").unwrap() };
        let payload: Value = serde_json::from_str(&payload(&push)).unwrap();
        let inner = |kind: &str| serde_json::from_str::<Value>(payload[kind].as_str().unwrap()).unwrap();
        assert_eq!(payload["default"], hostile);
        assert_eq!(inner("GCM")["fcmV1Message"]["message"]["notification"]["body"], hostile);
        assert_eq!(inner("GCM")["fcmV1Message"]["message"]["data"]["orderId"], "ord-1");
        for kind in ["APNS", "APNS_SANDBOX"] {
            assert_eq!(inner(kind)["aps"]["alert"], json!({ "title": "Shop", "body": hostile }));
        }
    }
}
