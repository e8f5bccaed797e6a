//! Notifications by SNS: events to topics in full batches, texts to phone numbers.

use std::collections::BTreeMap;

use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use futures::future::join_all;
use order_domain::event::Event;
use order_domain::notification::Topic;
use order_domain::wiring::variable;

use super::settings::{self, SettingError};
use crate::failure::Failure;
use crate::ports::{Notification, Notifier, Receipt};

/// Most entries of one PublishBatch (docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html).
const BATCH: usize = 10;

/// The topics and the SMS service.
#[derive(Debug, Clone)]
pub struct SnsNotifier {
    client: Client,
    environment: String,
    topics: BTreeMap<Topic, String>,
}

impl SnsNotifier {
    /// The topics that the environment names.
    ///
    /// # Errors
    /// When it does not name them all.
    pub fn from_environment(client: Client) -> Result<Self, SettingError> {
        let topics = Topic::ALL.into_iter().map(|topic| Ok((topic, settings::text(topic.variable())?)));
        let environment = settings::text(variable::ENVIRONMENT_SUFFIX)?;
        Ok(Self { client, environment, topics: topics.collect::<Result<_, SettingError>>()? })
    }

    async fn publish(&self, topic: Topic, events: &[&Event]) -> Vec<Result<Receipt, Failure>> {
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

    async fn text(&self, phone: &str, message: &str) -> Result<Receipt, Failure> {
        let what = "a text message could not be sent";
        // Transactional: delivered with priority (docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html).
        let kind = text("Transactional").map_err(|error| Failure::transient(what, error))?;
        let publish = self.client.publish().phone_number(phone).message(message);
        match publish.message_attributes("AWS.SNS.SMS.SMSType", kind).send().await {
            Ok(_) => Ok(Receipt::Sent),
            // SNS repeats the number in its message, and a number must not reach a log: only the code goes on.
            Err(error) => Err(error.as_service_error().and_then(ProvideErrorMetadata::code).map(str::to_owned)),
        }
        .or_else(|code| match code.as_deref() {
            Some(code @ ("InvalidParameter" | "InvalidParameterValue" | "OptedOut")) => {
                Ok(Receipt::Refused(code.to_owned()))
            }
            code => Err(Failure::transient_because(format!("{what} ({})", code.unwrap_or("no answer")))),
        })
    }
}

fn text(value: &str) -> Result<MessageAttributeValue, aws_sdk_sns::error::BuildError> {
    MessageAttributeValue::builder().data_type("String").string_value(value).build()
}

impl Notifier for SnsNotifier {
    async fn send(&self, notifications: &[Notification]) -> Vec<Result<Receipt, Failure>> {
        let mut events: BTreeMap<Topic, Vec<(usize, &Event)>> = BTreeMap::new();
        let mut texts = Vec::new();
        for (position, notification) in notifications.iter().enumerate() {
            match notification {
                Notification::Publish(topic, event) => events.entry(*topic).or_default().push((position, event)),
                Notification::Text { phone, text } => texts.push((position, phone, text)),
            }
        }
        let batches = events.iter().flat_map(|(topic, events)| events.chunks(BATCH).map(move |chunk| (*topic, chunk)));
        let published = join_all(batches.map(|(topic, chunk)| async move {
            let events: Vec<&Event> = chunk.iter().map(|(_, event)| *event).collect();
            let positions = chunk.iter().map(|(position, _)| *position);
            positions.zip(self.publish(topic, &events).await).collect::<Vec<_>>()
        }));
        let texted = join_all(
            texts
                .into_iter()
                .map(|(position, phone, message)| async move { (position, self.text(phone, message).await) }),
        );
        let (published, texted) = futures::join!(published, texted);
        let mut results: BTreeMap<usize, _> = published.into_iter().flatten().chain(texted).collect();
        (0..notifications.len())
            .map(|position| {
                let unanswered = || Err(Failure::transient_because("SNS gave no answer for a notification"));
                results.remove(&position).unwrap_or_else(unanswered)
            })
            .collect()
    }
}
