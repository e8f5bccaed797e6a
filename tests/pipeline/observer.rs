//! Another system that listens to every topic: a queue of its own, subscribed to all of them. It does not belong to the pipeline.

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, QueueAttributeName};
use deployed::Connection;
use order_domain::event::Event;
use order_domain::notification::Topic;
use serde_json::{Value, json};

/// An event that was heard, and from whom.
#[derive(Debug, Clone)]
pub struct Heard {
    pub topic: Topic,
    pub event: Event,
}

/// The subscribed queue.
pub struct Observer {
    sqs: aws_sdk_sqs::Client,
    queue: String,
    topics: Vec<(String, Topic)>,
}

impl Observer {
    pub async fn subscribe(sqs: &aws_sdk_sqs::Client, sns: &aws_sdk_sns::Client, connection: &Connection) -> Self {
        let (queue, arn) = queue_for_topics(sqs, "observer-of-the-tests").await;
        let topics = Topic::ALL.iter().map(|topic| (arn_of(*topic, connection).to_owned(), *topic)).collect::<Vec<_>>();
        for (topic, _) in &topics {
            // Not raw: the envelope says which topic it was.
            sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(&arn).send().await.unwrap();
        }
        Self { sqs: sqs.clone(), queue, topics }
    }

    /// What has come since it was asked last, up to ten events.
    pub async fn receive(&self) -> Vec<Heard> {
        let receive = self.sqs.receive_message().queue_url(&self.queue).max_number_of_messages(10);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        let entries = messages.iter().enumerate().map(|(number, message)| {
            let handle = message.receipt_handle().unwrap_or_default();
            DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(handle).build().unwrap()
        });
        if !messages.is_empty() {
            let delete = self.sqs.delete_message_batch().queue_url(&self.queue);
            delete.set_entries(Some(entries.collect())).send().await.unwrap();
        }
        messages.iter().map(|message| self.heard(message.body().unwrap_or_default())).collect()
    }

    fn heard(&self, envelope: &str) -> Heard {
        let envelope: Value = serde_json::from_str(envelope).expect("an envelope of SNS");
        let (arn, event) = (&envelope["TopicArn"], envelope["Message"].as_str().expect("a message"));
        let topic = self.topics.iter().find(|(known, _)| arn == known).expect("a topic of the pipeline").1;
        Heard { topic, event: serde_json::from_str(event).expect("an event") }
    }

    /// Takes the subscription away again, so that destroy has only the pipeline to destroy.
    pub async fn leave(&self) {
        self.sqs.delete_queue().queue_url(&self.queue).send().await.unwrap();
    }
}

/// The ARN of a topic.
pub fn arn_of(topic: Topic, connection: &Connection) -> &str {
    &connection.topics[&format!("{}-topic", topic.name())]
}

/// A new queue that topics may send to: its URL and its ARN.
pub async fn queue_for_topics(sqs: &aws_sdk_sqs::Client, name: &str) -> (String, String) {
    let queue = sqs.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap();
    let attributes = sqs.get_queue_attributes().queue_url(&queue).attribute_names(QueueAttributeName::QueueArn);
    let attributes = attributes.send().await.unwrap().attributes.unwrap_or_default();
    let arn = attributes[&QueueAttributeName::QueueArn].clone();
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage", "Resource": arn,
    }]});
    let set = sqs.set_queue_attributes().queue_url(&queue).attributes(QueueAttributeName::Policy, policy.to_string());
    set.send().await.unwrap();
    (queue, arn)
}
