//! `docs/stages.md`: what invokes each function, how often at the same time, and how its time is spent.

use std::fmt::Write as _;

use order_contract::timeout;

use super::page::page;
use crate::RenderedFile;
use crate::pipeline::{
    self, QUEUE_RETENTION_SECONDS, QueueSource, Source, StageDescription, StreamSource, concurrency,
};

/// The page.
#[must_use]
pub fn file() -> RenderedFile {
    let mut text = format!(
        "Each stage is one Lambda function. A call to AWS may take {} s and one to the payment gateway {} s, and {} s are kept\n\
         for the end of a batch: the longest work is what all calls of one order take when each takes as long as it may.\n\
         A function's timeout is more than that; a message stays hidden for six timeouts, and SQS moves it to the\n\
         dead-letter queue after its receives, long before its queue forgets it (after {} days).\n\n\
         Repetitions are not among the calls: after a conflict with another worker, or under another key where the gateway keeps\n\
         an error of its own. They have what is left of the function's time, less the end of the batch. An order that is not\n\
         done by then returns to its queue, and the others of its batch are not affected; it is safe to break off\n\
         anywhere, since every request has its key and every write its condition.\n\n\
         The bound on what runs at the same time is the event source's own: `maximum_concurrency` of a queue's mapping,\n\
         `parallelization_factor` of the stream's, the throttles of the API (`api.rate_limit` in `env.toml`).\n\n\
         | stage | invoked by | at the same time, at most | calls of one order | longest work | timeout | hidden for | receives |\n\
         | --- | --- | --- | --- | --: | --: | --: | --: |\n",
        timeout::AWS_CALL.as_secs(),
        timeout::GATEWAY_CALL.as_secs(),
        timeout::END_OF_BATCH.as_secs(),
        QUEUE_RETENTION_SECONDS / (24 * 60 * 60),
    );
    for stage in pipeline::stages() {
        text += &row(&stage);
    }
    let _ = write!(
        text,
        "\nTogether the event sources run at most {} invocations at the same time: {} by the bounds of the queues and {} by the\n\
         stream, while its table has the shards that it begins with. Reads come on top, and only the API's throttles bound them:\n\
         the query function runs as often at the same time as requests come in a second, times the seconds that one takes.\n\n\
         All of it has to fit into the concurrency that the account's functions share in the region. Where that is used up,\n\
         what was received and cannot run comes back when it is no longer hidden, and that counts as a receive: valid\n\
         messages can reach the dead-letter queue. `account_concurrency` in `env.toml` says how much there is; where it is less\n\
         than {}, the bounds of the queues are made smaller, down to {} each, and less than {} is refused.\n",
        concurrency::of_event_sources(),
        concurrency::of_queues(),
        concurrency::of_streams(),
        concurrency::of_event_sources() + concurrency::KEPT_FOR_READS,
        concurrency::SMALLEST_BOUND,
        concurrency::least(),
    );
    text += "\n| stage | what it does | sends to |\n| --- | --- | --- |\n";
    for stage in pipeline::stages() {
        let next: Vec<_> = stage.forwards_to.iter().map(|next| next.name()).collect();
        let next = if next.is_empty() { "-".to_owned() } else { next.join(", ") };
        let _ = writeln!(text, "| {} | {} | {next} |", stage.stage.name(), stage.summary);
    }
    page("stages.md", "Stages", &text)
}

fn row(stage: &StageDescription) -> String {
    let (by, bound, hidden, receives) = match stage.source {
        Source::Queue(QueueSource { batch_size, maximum_concurrency, maximum_receives, .. }) => (
            format!("`{}-queue`, up to {batch_size} messages", stage.stage.name()),
            format!("{maximum_concurrency} invocations"),
            format!("{} s", stage.visibility_timeout_seconds()),
            maximum_receives.to_string(),
        ),
        Source::OrderEvents(StreamSource { batch_size, parallelization_factor, .. }) => (
            format!("the orders table's stream, up to {batch_size} records"),
            format!("{parallelization_factor} for each shard"),
            "-".to_owned(),
            "-".to_owned(),
        ),
        Source::Api => ("the API".to_owned(), "the API's throttles".to_owned(), "-".to_owned(), "-".to_owned()),
    };
    let by = match stage.schedule {
        Some(schedule) => format!("{by}; `{}` puts one there", schedule.expression()),
        None => by,
    };
    format!(
        "| {} | {by} | {bound} | {} to AWS, {} to the gateway | {} s | {} s | {hidden} | {receives} |\n",
        stage.stage.name(),
        stage.calls.aws,
        stage.calls.gateway,
        stage.longest_work_seconds(),
        stage.timeout_seconds,
    )
}
