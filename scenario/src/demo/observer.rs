//! An observer of the topics, like any other system: it subscribes its own queue to all topics, for the events that end an
//! order or happen after its confirmation.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, QueueAttributeName};
use futures::future::try_join_all;
use order_domain::event::{Event, EventType};
use order_domain::notification::Topic;
use serde_json::json;

use super::end::is_watched;
use super::error::DemoError;
use deployed::Connection;
use deployed::client::aws_configuration;

/// Deliveries of watched events: by order id, copies by the event's number and type.
pub type Deliveries = HashMap<String, Heard>;
/// Deliveries of one order's events.
pub type Heard = BTreeMap<(u64, EventType), usize>;

/// Receivers at work at the same time.
const RECEIVERS: usize = 4;
/// Most messages of one receive call.
const BATCH: i32 = 10;
/// Seconds that a receive call waits for a message.
const LONG_POLL_SECONDS: i32 = 1;

/// The ARNs of the topics that carry events.
fn topics(connection: &Connection) -> Result<Vec<&str>, DemoError> {
    let arn = |topic: Topic| {
        let name = format!("{}-topic", topic.name());
        connection.topics.get(&name).map(String::as_str).ok_or(DemoError::Missing(name))
    };
    Topic::ALL.iter().copied().map(arn).collect()
}

/// A subscribed queue. [`Observer::leave`] deletes it.
#[derive(Debug)]
pub struct Observer {
    sqs: aws_sdk_sqs::Client,
    sns: aws_sdk_sns::Client,
    queue_url: String,
    subscriptions: Vec<String>,
}

impl Observer {
    /// Creates the queue and subscribes it to every topic of the environment.
    ///
    /// # Errors
    ///
    /// [`DemoError::Call`] when the queue or a subscription is refused. What was created before is deleted again.
    pub async fn subscribe(connection: &Connection, run: &str) -> Result<Self, DemoError> {
        let configuration = aws_configuration(connection).await;
        let sqs = aws_sdk_sqs::Client::new(&configuration);
        let name = format!("demo-observer-{run}");
        let created = sqs.create_queue().queue_name(&name).send().await;
        let created = created.map_err(|error| DemoError::call(format!("creating queue {name}"), error))?;
        let queue_url =
            created.queue_url.ok_or_else(|| DemoError::call(format!("creating queue {name}"), "it has no URL"))?;
        let sns = aws_sdk_sns::Client::new(&configuration);
        let mut observer = Self { sqs, sns, queue_url, subscriptions: Vec::new() };
        match observer.connect(connection).await {
            Ok(()) => Ok(observer),
            Err(error) => {
                // The first error explains the later ones.
                let _ = observer.leave().await;
                Err(error)
            }
        }
    }

    async fn connect(&mut self, connection: &Connection) -> Result<(), DemoError> {
        let failed = |error: super::error::Source| DemoError::call(format!("opening queue {}", self.queue_url), error);
        let attributes = self.sqs.get_queue_attributes().queue_url(&self.queue_url);
        let attributes = attributes.attribute_names(QueueAttributeName::QueueArn).send().await;
        let attributes = attributes.map_err(|error| failed(error.into()))?;
        let arn = attributes.attributes().and_then(|all| all.get(&QueueAttributeName::QueueArn));
        let arn = arn.ok_or_else(|| failed("it has no ARN".into()))?.clone();
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "sns.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": { "ArnEquals": { "aws:SourceArn": topics(connection)? } },
            }],
        });
        let set = self.sqs.set_queue_attributes().queue_url(&self.queue_url);
        let set = set.attributes(QueueAttributeName::Policy, policy.to_string()).send().await;
        set.map_err(|error| failed(error.into()))?;
        let topics = topics(connection)?;
        let watched = EventType::ALL.iter().copied().filter(|event| is_watched(*event)).map(EventType::name);
        let filter = json!({ "eventType": watched.collect::<Vec<_>>() }).to_string();
        for topic in topics {
            let subscribed = self
                .sns
                .subscribe()
                .topic_arn(topic)
                .protocol("sqs")
                .endpoint(&arn)
                .attributes("RawMessageDelivery", "true")
                .attributes("FilterPolicy", &filter)
                .return_subscription_arn(true)
                .send()
                .await
                .map_err(|error| DemoError::call(format!("subscribing to {topic}"), error))?;
            self.subscriptions.extend(subscribed.subscription_arn);
        }
        Ok(())
    }

    /// Receives the messages and adds them to `delivered`, until `enough` is content or the time is up.
    ///
    /// # Errors
    ///
    /// [`DemoError::Call`] when the queue cannot be read or has a message that is not an event.
    pub async fn collect(
        &self,
        delivered: &mut Deliveries,
        patience: Duration,
        mut enough: impl FnMut(&Deliveries) -> bool,
    ) -> Result<(), DemoError> {
        let deadline = Instant::now() + patience;
        while !enough(delivered) && Instant::now() < deadline {
            for event in try_join_all((0..RECEIVERS).map(|_| self.receive())).await?.into_iter().flatten() {
                let heard = delivered.entry(event.order_id.to_string()).or_default();
                *heard.entry((event.sequence, event.event_type)).or_default() += 1;
            }
        }
        Ok(())
    }

    async fn receive(&self) -> Result<Vec<Event>, DemoError> {
        let failed = |error: super::error::Source| DemoError::call(format!("reading queue {}", self.queue_url), error);
        let receive = self.sqs.receive_message().queue_url(&self.queue_url);
        let receive = receive.max_number_of_messages(BATCH).wait_time_seconds(LONG_POLL_SECONDS).send().await;
        let messages = receive.map_err(|error| failed(error.into()))?.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let mut delete = self.sqs.delete_message_batch().queue_url(&self.queue_url);
        let mut events = Vec::with_capacity(messages.len());
        for (position, message) in messages.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(position.to_string())
                .receipt_handle(message.receipt_handle().unwrap_or_default());
            delete = delete.entries(entry.build().map_err(|error| failed(error.into()))?);
            events
                .push(serde_json::from_str(message.body().unwrap_or_default()).map_err(|error| failed(error.into()))?);
        }
        delete.send().await.map_err(|error| failed(error.into()))?;
        Ok(events)
    }

    /// Deletes the subscriptions and the queue.
    ///
    /// # Errors
    ///
    /// [`DemoError::Call`] for the first that cannot be deleted; the others are tried all the same.
    pub async fn leave(self) -> Result<(), DemoError> {
        let mut result = Ok(());
        for subscription in &self.subscriptions {
            let left = self.sns.unsubscribe().subscription_arn(subscription).send().await;
            result = result.and(
                left.map(drop).map_err(|error| DemoError::call(format!("deleting subscription {subscription}"), error)),
            );
        }
        let deleted = self.sqs.delete_queue().queue_url(&self.queue_url).send().await;
        result.and(deleted.map(drop).map_err(|error| DemoError::call(format!("deleting {}", self.queue_url), error)))
    }
}
