//! Lets SQS move the letters by itself, where it can: it needs no machine of ours to stay awake.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry as Task;

use super::audit::Audit;
use super::queue::{self, DeadLetterQueue};
use super::redrive::close;
use super::{DeadLetterError, Method, Options, Redriven};
use crate::cancel::Cancel;
use crate::deployed::Deployed;
use crate::progress::{Progress, Step};

/// SQS moves no more a second (docs.aws.amazon.com/AWSSimpleQueueService, StartMessageMoveTask).
const HIGHEST_RATE: u32 = 500;
/// How often the task is asked how far it is.
const POLL: Duration = Duration::from_secs(1);
/// What says that there is no such action: an emulator, or another SQS.
const UNKNOWN: [&str; 3] = ["InvalidAction", "UnknownOperationException", "UnknownOperation"];

/// Redrives a queue by a move task; `None` where SQS knows no such thing, and nothing was done.
#[expect(clippy::too_many_arguments, reason = "one call, from one place")]
pub(super) async fn redrive(
    deployed: &Deployed,
    client: &Client,
    queue: &DeadLetterQueue,
    source: &str,
    letters: u64,
    options: &Options,
    progress: Progress,
    cancel: &Cancel,
) -> Result<Option<Redriven>, DeadLetterError> {
    let from = queue::arn(client, &queue.url).await?;
    // A letter that a stage buried has no source that SQS knows of: it has to be named.
    let to = queue::arn(client, source).await?;
    if !is_known(client, &from).await {
        return Ok(None);
    }
    let to_name = queue.source_name();
    let audit = Audit::begin(deployed, queue, &to_name, Method::MoveTask, letters, options).await?;
    let mut redriven = Redriven::nothing(queue, &to_name, Method::MoveTask, options);
    redriven.redrive_id = Some(audit.id.clone());
    let step = progress.counted(format!("SQS moves {}", queue.name), letters);
    let outcome = run(client, queue, (&from, &to), options.rate, &step, cancel, &mut redriven).await;
    let redriven = close(Some(audit), redriven, outcome).await?;
    step.finish(&format!("{} letters", redriven.moved));
    Ok(Some(redriven))
}

/// Asking for the tasks that there are changes nothing, and tells whether there can be any.
async fn is_known(client: &Client, from: &str) -> bool {
    match client.list_message_move_tasks().source_arn(from).send().await {
        Err(error) => !is_unknown(&error),
        Ok(_) => true,
    }
}

fn is_unknown<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| UNKNOWN.contains(&code))
}

async fn run(
    client: &Client,
    queue: &DeadLetterQueue,
    (from, to): (&str, &str),
    rate: u32,
    step: &Step,
    cancel: &Cancel,
    redriven: &mut Redriven,
) -> Result<(), DeadLetterError> {
    let failed = |action, error| DeadLetterError::Queue { action, queue: queue.name.clone(), source: error };
    let start = client
        .start_message_move_task()
        .source_arn(from)
        .destination_arn(to)
        .max_number_of_messages_per_second(i32::try_from(rate.min(HIGHEST_RATE)).unwrap_or(1));
    let started = start.send().await.map_err(|error| failed("start to move the letters of", error.into()))?;
    let mut cancelling = false;
    loop {
        let asked = client.list_message_move_tasks().source_arn(from).max_results(1).send().await;
        let tasks = asked.map_err(|error| failed("tell how far it is with", error.into()))?.results.unwrap_or_default();
        let task = tasks.first();
        redriven.moved = task.map_or(0, moved);
        step.done(redriven.moved);
        match task.and_then(Task::status) {
            Some("COMPLETED") => return Ok(()),
            Some("CANCELLED") => {
                redriven.interrupted = true;
                return Ok(());
            }
            Some("FAILED") => {
                let reason = task.and_then(Task::failure_reason).unwrap_or("no reason given").to_owned();
                return Err(failed("move all letters of", reason.into()));
            }
            _ => {}
        }
        if cancel.is_cancelled() && !cancelling {
            cancelling = true;
            redriven.interrupted = true;
            let stop = client.cancel_message_move_task().set_task_handle(started.task_handle.clone());
            stop.send().await.map_err(|error| failed("stop to move the letters of", error.into()))?;
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = cancel.cancelled(), if !cancelling => {}
        }
    }
}

fn moved(task: &Task) -> u64 {
    u64::try_from(task.approximate_number_of_messages_moved()).unwrap_or(0)
}
