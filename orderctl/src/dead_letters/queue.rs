//! The dead-letter queues of an environment.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::try_join_all;
use order_domain::stage::Stage;

use super::DeadLetterError;
use deployed::Deployed;

/// The dead-letter queue of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterQueue {
    /// Name without the environment's suffix, e.g. `payment-dlq`.
    pub name: String,
    /// The stage whose messages it receives.
    pub stage: Stage,
    /// URL of the queue.
    pub url: String,
    /// URL of the stage's source queue; `None` for notify, which reads the table's stream.
    pub source: Option<String>,
}

impl DeadLetterQueue {
    /// Name of the stage's source queue, e.g. `payment-queue`.
    #[must_use]
    pub fn source_name(&self) -> String {
        source_name(self.stage)
    }
}

fn source_name(stage: Stage) -> String {
    format!("{}-queue", stage.name())
}

/// Every dead-letter queue of the environment, in the order of the stages.
///
/// # Errors
///
/// When SQS does not answer, or the environment has no dead-letter queue.
pub async fn queues(deployed: &Deployed) -> Result<Vec<DeadLetterQueue>, DeadLetterError> {
    let found = try_join_all(Stage::ALL.iter().copied().map(|stage| async move {
        let name = format!("{}-dlq", stage.name());
        let Some(url) = deployed.queue_url(&name).await? else { return Ok::<_, DeadLetterError>(None) };
        let source = deployed.queue_url(&source_name(stage)).await?;
        Ok(Some(DeadLetterQueue { name, stage, url, source }))
    }))
    .await?;
    let queues: Vec<_> = found.into_iter().flatten().collect();
    if queues.is_empty() {
        return Err(DeadLetterError::NoQueues { environment: deployed.name().to_owned() });
    }
    Ok(queues)
}

/// Finds a queue by its name (`payment-dlq`) or its stage's name (`payment`).
///
/// # Errors
///
/// When there is no such queue, or SQS does not answer.
pub async fn find(deployed: &Deployed, name: &str) -> Result<DeadLetterQueue, DeadLetterError> {
    let queues = queues(deployed).await?;
    let known = queues.iter().map(|queue| queue.name.clone()).collect::<Vec<_>>().join(", ");
    let found = queues.into_iter().find(|queue| queue.name == name || queue.stage.name() == name);
    found.ok_or_else(|| DeadLetterError::UnknownQueue {
        queue: name.to_owned(),
        environment: deployed.name().to_owned(),
        known,
    })
}

/// Approximate number of messages, including those that another consumer holds now.
pub(super) async fn count(client: &Client, queue: &DeadLetterQueue) -> Result<u64, DeadLetterError> {
    let asked = client
        .get_queue_attributes()
        .queue_url(&queue.url)
        .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
        .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
        .send()
        .await;
    let attributes =
        asked.map_err(|error| DeadLetterError::queue("count the messages in", &queue.name, error))?.attributes;
    Ok(attributes.unwrap_or_default().values().filter_map(|count| count.parse::<u64>().ok()).sum())
}

/// A queue's ARN.
pub(super) async fn arn(client: &Client, url: &str) -> Result<String, DeadLetterError> {
    let failed = |source| DeadLetterError::Queue { action: "return the ARN of", queue: url.to_owned(), source };
    let asked = client.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn).send().await;
    let attributes = asked.map_err(|error| failed(error.into()))?.attributes.unwrap_or_default();
    attributes.get(&QueueAttributeName::QueueArn).cloned().ok_or_else(|| failed("the answer has no ARN".into()))
}
