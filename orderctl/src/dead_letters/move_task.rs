//! Lets SQS move the messages (StartMessageMoveTask), so the move goes on when this machine sleeps.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry as Task;

use super::audit::{Audit, close};
use super::queue::{self, DeadLetterQueue};
use super::{DeadLetterError, Method, Options, Redriven};
use deployed::Deployed;
use terminal::cancel::Cancel;
use terminal::progress::{Progress, Step};

/// SQS's maximum, in messages per second (docs.aws.amazon.com/AWSSimpleQueueService, StartMessageMoveTask).
const HIGHEST_RATE: u32 = 500;
/// How often the task's progress is read.
const POLL: Duration = Duration::from_secs(1);
/// Maximum tasks that SQS lists.
const MOST_TASKS: i32 = 10;
/// How many polls in a row may miss the task: the list is eventually consistent.
const MOST_POLLS_UNSEEN: u32 = 60;
/// Error codes of an emulator without this action.
const UNKNOWN: [&str; 3] = ["InvalidAction", "UnknownOperationException", "UnknownOperation"];

/// Redrives a queue by a move task; `None` when SQS does not support it, and then nothing was done.
#[expect(clippy::too_many_arguments, reason = "one call, from one place")]
pub(super) async fn redrive(
    deployed: &Deployed,
    client: &Client,
    queue: &DeadLetterQueue,
    source: &str,
    messages: u64,
    options: &Options,
    progress: Progress,
    cancel: &Cancel,
) -> Result<Option<Redriven>, DeadLetterError> {
    let from = queue::arn(client, &queue.url).await?;
    // SQS knows no source for a message that a stage sent here, so the destination is named.
    let to = queue::arn(client, source).await?;
    let Some(newest) = newest_task(client, queue, &from).await? else { return Ok(None) };
    let to_name = queue.source_name();
    let audit = Audit::begin(deployed, queue, &to_name, Method::MoveTask, messages, options).await?;
    let mut redriven = Redriven::nothing(queue, &to_name, Method::MoveTask, options);
    redriven.redrive_id = Some(audit.id.clone());
    let step = progress.counted(format!("SQS moves {}", queue.name), messages);
    let outcome = run(client, queue, (&from, &to), newest, options.rate, &step, cancel, &mut redriven).await;
    let redriven = close(Some(audit), redriven, outcome).await?;
    step.finish(&format!("{} messages", redriven.moved));
    Ok(Some(redriven))
}

/// Start time of the newest earlier task.
type Newest = Option<i64>;

/// Lists earlier tasks, which also shows whether SQS supports tasks; `None` if it does not.
async fn newest_task(client: &Client, queue: &DeadLetterQueue, from: &str) -> Result<Option<Newest>, DeadLetterError> {
    match client.list_message_move_tasks().source_arn(from).send().await {
        Err(error) if is_unknown(&error) => Ok(None),
        Err(error) => Err(DeadLetterError::queue("list the tasks of", &queue.name, error)),
        Ok(listed) => Ok(Some(listed.results.unwrap_or_default().iter().map(Task::started_timestamp).max())),
    }
}

fn is_unknown<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| UNKNOWN.contains(&code))
}

/// Finds our task in SQS's list. SQS gives a handle only for a running task, and a start time for every task. The list may
/// be older than our task, and someone may have started another task since.
struct Ours {
    handle: Option<String>,
    newest_before: Newest,
    started: Option<i64>,
}

impl Ours {
    fn among<'t>(&mut self, tasks: &'t [Task]) -> Option<&'t Task> {
        let has_our_handle = |task: &&Task| task.task_handle.is_some() && task.task_handle == self.handle;
        let has_no_handle = |task: &&Task| task.task_handle.is_none();
        let found = tasks.iter().find(has_our_handle).or_else(|| match self.started {
            Some(started) => tasks.iter().find(|task| task.started_timestamp == started),
            // It ended before a poll saw it running: take the first task after the earlier ones.
            None => tasks
                .iter()
                .filter(has_no_handle)
                .filter(|task| Some(task.started_timestamp) > self.newest_before)
                .min_by_key(|task| task.started_timestamp),
        });
        self.started = found.map(Task::started_timestamp).or(self.started);
        found
    }
}

#[expect(clippy::too_many_arguments, reason = "one call, from one place")]
async fn run(
    client: &Client,
    queue: &DeadLetterQueue,
    (from, to): (&str, &str),
    newest_before: Newest,
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
    let started = start.send().await.map_err(|error| failed("start moving the messages of", error.into()))?;
    let mut ours = Ours { handle: started.task_handle.clone(), newest_before, started: None };
    let (mut cancelling, mut unseen) = (false, 0);
    loop {
        let asked = client.list_message_move_tasks().source_arn(from).max_results(MOST_TASKS).send().await;
        let tasks = asked.map_err(|error| failed("report the progress of", error.into()))?.results.unwrap_or_default();
        let task = ours.among(&tasks);
        if let Some(task) = task {
            redriven.moved = moved(task);
            step.done(redriven.moved);
        } else {
            unseen += 1;
            if unseen > MOST_POLLS_UNSEEN {
                return Err(failed("report the progress of", "SQS does not list the started task".into()));
            }
        }
        match task.and_then(Task::status) {
            Some("COMPLETED") => return Ok(()),
            Some("CANCELLED") => {
                redriven.interrupted = true;
                return Ok(());
            }
            Some("FAILED") => {
                let reason = task.and_then(Task::failure_reason).unwrap_or("no reason given").to_owned();
                return Err(failed("move all messages of", reason.into()));
            }
            _ => {}
        }
        if cancel.is_cancelled() && !cancelling {
            cancelling = true;
            redriven.interrupted = true;
            let stop = client.cancel_message_move_task().set_task_handle(started.task_handle.clone());
            stop.send().await.map_err(|error| failed("stop moving the messages of", error.into()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn task(handle: Option<&str>, started: i64) -> Task {
        Task::builder().set_task_handle(handle.map(str::to_owned)).started_timestamp(started).build()
    }

    fn ours(newest_before: Newest) -> Ours {
        Ours { handle: Some("ours".into()), newest_before, started: None }
    }

    fn among(ours: &mut Ours, tasks: &[Task]) -> Option<i64> {
        ours.among(tasks).map(Task::started_timestamp)
    }

    #[test]
    fn an_earlier_task_is_not_taken_for_ours() {
        let old = task(None, 100);
        assert_eq!(among(&mut ours(Some(100)), std::slice::from_ref(&old)), None);
        assert_eq!(among(&mut ours(Some(100)), &[task(None, 200), old]), Some(200));
        assert_eq!(among(&mut ours(None), &[]), None);
    }

    #[test]
    fn our_task_is_found_by_its_handle_and_then_by_its_start_time() {
        let mut ours = ours(Some(100));
        assert_eq!(among(&mut ours, &[task(Some("ours"), 200), task(None, 100)]), Some(200));
        // It ended, and someone else started another.
        assert_eq!(among(&mut ours, &[task(Some("another"), 300), task(None, 200), task(None, 100)]), Some(200));
        assert_eq!(among(&mut ours, &[task(None, 300), task(None, 200)]), Some(200));
    }

    #[test]
    fn our_task_is_the_first_new_one_if_it_was_never_seen_running() {
        let listed = [task(Some("another"), 400), task(None, 300), task(None, 200), task(None, 100)];
        assert_eq!(among(&mut ours(Some(100)), &listed), Some(200));
    }
}
