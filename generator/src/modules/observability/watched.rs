//! The metrics that alarms and the dashboard show.

use order_contract::metric;

use crate::naming::suffixed;
use crate::pipeline::{self, Subject};
use crate::terraform::kind::{Map, Text};
use crate::terraform::{Expression, Value};

/// Seconds of the periods that alarms look at.
pub(super) const PERIOD_SECONDS: u32 = 60;

/// The variables' values inside the module, which name the metrics.
pub(super) struct Watched {
    pub(super) suffix: Expression<Text>,
    pub(super) queue_names: Expression<Map<Text>>,
    pub(super) function_names: Expression<Map<Text>>,
    pub(super) api_name: Expression<Text>,
    pub(super) api_stage: Expression<Text>,
}

impl Watched {
    /// The namespace and the dimensions of a subject's metrics.
    pub(super) fn metrics_of(&self, subject: Subject) -> (&'static str, Vec<(&'static str, Value<Text>)>) {
        match subject {
            Subject::Queue(queue) => ("AWS/SQS", vec![("QueueName", self.queue_names.key(&queue.name()).into())]),
            Subject::Function(stage) => {
                let name = pipeline::function_name(stage);
                ("AWS/Lambda", vec![("FunctionName", self.function_names.key(&name).into())])
            }
            Subject::Api => (
                "AWS/ApiGateway",
                vec![("ApiName", self.api_name.clone().into()), ("Stage", self.api_stage.clone().into())],
            ),
            Subject::MailRule(fate) => {
                ("AWS/Events", vec![("RuleName", suffixed(&pipeline::mail_rule_name(fate), &self.suffix))])
            }
            Subject::Business => (metric::NAMESPACE, vec![(metric::DIMENSION, self.suffix.clone().into())]),
        }
    }
}
