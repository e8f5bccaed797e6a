//! What invokes a function: its queue, or the orders table's stream. The API's permission is in the API's module.

use order_contract::table;
use order_domain::stage::Stage;

use super::inputs::Given;
use crate::aws::LambdaEventSourceMapping;
use crate::aws::lambda_event_source_mapping::{
    DestinationConfig, DestinationConfigOnFailure, FilterCriteria, FilterCriteriaFilter, ScalingConfig,
};
use crate::aws::lambda_function::LambdaFunctionReference;
use crate::naming::logical;
use crate::pipeline::{Queue, QueueSource, Source, StageDescription, StreamSource};
use crate::terraform::kind::{Map, Number, Text};
use crate::terraform::{Expression, Json, Module, Reference, Resource, Value};
use crate::{array, object};

/// A handler reports the messages that it could not process, so that the others of the batch are not done again.
const REPORTS_FAILURES: [&str; 1] = ["ReportBatchItemFailures"];

/// What invokes the function. It waits for the policy, without which its first poll would fail.
pub(super) fn add(
    module: &mut Module,
    stage: &StageDescription,
    given: &Given,
    function: &LambdaFunctionReference,
    policy: &impl Reference,
) {
    let mapping = LambdaEventSourceMapping { function_name: function.arn() };
    let mapping = match stage.source {
        Source::Api => return,
        Source::Queue(QueueSource { batch_size, batching_window_seconds, .. }) => mapping
            .event_source_arn(source_queue(stage, &given.queue_arns))
            .batch_size(batch_size)
            .maximum_batching_window_in_seconds(batching_window_seconds)
            .scaling_config(ScalingConfig {}.maximum_concurrency(maximum_concurrency(stage, given))),
        Source::OrderEvents(StreamSource {
            batch_size,
            parallelization_factor,
            maximum_retry_attempts,
            maximum_record_age_seconds,
            ..
        }) => mapping
            .event_source_arn(&given.orders_stream_arn)
            .starting_position("TRIM_HORIZON")
            .batch_size(batch_size)
            .parallelization_factor(parallelization_factor)
            .bisect_batch_on_function_error(true)
            .maximum_retry_attempts(maximum_retry_attempts)
            .maximum_record_age_in_seconds(maximum_record_age_seconds)
            .filter_criteria(FilterCriteria {}.filter(FilterCriteriaFilter {}.pattern(new_events_only().encode())))
            .destination_config(DestinationConfig {}.on_failure(DestinationConfigOnFailure {
                destination_arn: dead_letters(stage, &given.dead_letter_queue_arns),
            })),
    };
    module.add(&logical(&stage.function()), mapping.function_response_types(REPORTS_FAILURES).depends_on(&[policy]));
}

/// Of everything that is committed to the orders table, only new event items are published.
fn new_events_only() -> Json {
    let starts_with_event = object! { "S": array![object! { "prefix": table::EVENT_PREFIX }] };
    object! {
        "eventName": array!["INSERT"],
        "dynamodb": object! {
            "Keys": Json::object(vec![(table::SORT_KEY.to_owned(), starts_with_event)]),
        },
    }
}

/// The bound of the stage's queue, which an environment with little concurrency lowers.
fn maximum_concurrency(stage: &StageDescription, given: &Given) -> Value<Number> {
    stage.queue().map_or_else(Value::null, |(queue, _)| given.maximum_concurrency.key(&queue.name()).into())
}

/// The queue that feeds the stage.
pub(super) fn source_queue(stage: &StageDescription, of: &Expression<Map<Text>>) -> Value<Text> {
    stage.queue().map_or_else(Value::null, |(queue, _)| of.key(&queue.name()).into())
}

/// The stage's dead-letter queue.
pub(super) fn dead_letters(stage: &StageDescription, of: &Expression<Map<Text>>) -> Value<Text> {
    stage.dead_letters().map_or_else(Value::null, |queue| of.key(&queue.name()).into())
}

/// The queue of another stage.
pub(super) fn queue_of(stage: Stage, of: &Expression<Map<Text>>) -> Expression<Text> {
    of.key(&Queue::Work(stage).name())
}
