//! Notifications by SNS: events to topics in full batches, text messages to phone numbers, push notifications to devices.

use std::collections::BTreeMap;

use aws_sdk_sns::Client;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::publish::{PublishError, PublishOutput};
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use order_domain::event::Event;
use order_domain::notification::Topic;
use order_domain::wiring::variable;
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
        let topics = Topic::ALL.into_iter().map(|topic| Ok((topic, settings::text(topic.variable())?)));
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
            for (name, value) in [
                ("eventType", event.event_type.name()),
                ("status", event.status.name()),
                ("customerId", event.customer_id.as_str()),
                ("environment", &self.environment),
            ] {
                entry = entry.message_attributes(name, text(value).map_err(|error| Failure::transient(what(), error))?);
            }
            entries.push(entry.build().map_err(|error| Failure::transient(what(), error))?);
        }
        let arn = self.topics.get(&topic).map(String::as_str).unwrap_or_default();
        let published =
            self.client.publish_batch().topic_arn(arn).set_publish_batch_request_entries(Some(entries)).send();
        // An event that is refused stays unsent: it is the outbox's, and must not be given up here.
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
        receipt(what, publish.message_attributes("AWS.SNS.SMS.SMSType", kind).send().await, |code| match code {
            "InvalidParameter" | "InvalidParameterValue" => Some(Refusal::InvalidNumber),
            "OptedOut" => Some(Refusal::OptedOut),
            _ => None,
        })
    }

    /// Sends a push notification to a device.
    pub(super) async fn push(&self, endpoint: &str, push: &Push) -> Result<Receipt, Failure> {
        // SNS denies what is another account's as it denies a missing permission. The first will never pass and the second
        // will be mended, so they are told apart here.
        if !self.owns(endpoint) {
            return Ok(Receipt::Refused(Refusal::EndpointUnknown));
        }
        let publish = self.client.publish().target_arn(endpoint).message_structure("json").message(payload(push));
        receipt("a push notification could not be sent", publish.send().await, |code| match code {
            "EndpointDisabled" => Some(Refusal::EndpointDisabled),
            "NotFound" | "InvalidParameter" | "InvalidParameterValue" => Some(Refusal::EndpointUnknown),
            _ => None,
        })
    }

    /// Whether an endpoint is of the topics' account and region.
    fn owns(&self, endpoint: &str) -> bool {
        let home = self.topics.values().next().and_then(|arn| arn.rsplit_once(':')).map(|(home, _)| home);
        home.and_then(|home| endpoint.strip_prefix(home)).is_some_and(|rest| rest.starts_with(":endpoint/"))
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

/// What became of a message to one customer: `refusal` tells which codes are for good. All others may pass, a missing
/// permission too, for an operator mends that.
fn receipt(
    what: &str,
    published: Result<PublishOutput, SdkError<PublishError>>,
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
