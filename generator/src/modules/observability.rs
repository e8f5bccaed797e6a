//! `modules/observability`: alarms, the dashboard, and traces.

mod dashboard;
mod watched;

use std::collections::BTreeMap;

use watched::{PERIOD_SECONDS, Watched};

use super::{environment_suffix, xray_enabled};
use crate::aws::cloudwatch_metric_alarm::CloudwatchMetricAlarmReference;
use crate::aws::{CloudwatchDashboard, CloudwatchMetricAlarm, XrayGroup, XraySamplingRule};
use crate::naming::{logical, suffixed};
use crate::pipeline::{self, Alarm, Limit, Severity, Statistic};
use crate::template;
use crate::terraform::kind::{Boolean, Map, Text};
use crate::terraform::{Expression, Module, Output, TemplatePart, Value, Variable};

/// The module with its inputs and outputs.
pub struct Observability {
    /// The module.
    pub module: Module,
    /// The module's variables.
    pub inputs: Inputs,
    /// Name of the dashboard.
    pub dashboard_name: Output<Text>,
    /// Full name of each alarm, by its name without the suffix.
    pub alarm_names: Output<Map<Text>>,
}

/// The module's variables.
pub struct Inputs {
    /// Ends every name.
    pub environment_suffix: Variable<Text>,
    /// From the topics module.
    pub alarms_topic_arn: Variable<Text>,
    /// From the queues module.
    pub queue_names: Variable<Map<Text>>,
    /// From the functions module.
    pub function_names: Variable<Map<Text>>,
    /// From the api module.
    pub api_name: Variable<Text>,
    /// From the api module.
    pub api_stage: Variable<Text>,
    /// From the api module.
    pub api_stage_arn: Variable<Text>,
    /// Trace with X-Ray.
    pub xray_enabled: Variable<Boolean>,
}

impl Inputs {
    fn new() -> Self {
        Self {
            environment_suffix: environment_suffix(),
            alarms_topic_arn: Variable::new("alarms_topic_arn", "ARN of the topic that every alarm goes to."),
            queue_names: Variable::new("queue_names", "Full name of every queue, by its name without the suffix."),
            function_names: Variable::new(
                "function_names",
                "Full name of each function, by its name without the suffix.",
            ),
            api_name: Variable::new("api_name", "The API's name."),
            api_stage: Variable::new("api_stage", "Name of the API's stage."),
            api_stage_arn: Variable::new("api_stage_arn", "ARN of the API's stage."),
            xray_enabled: xray_enabled(),
        }
    }
}

/// The module that watches the pipeline.
#[must_use]
pub fn define() -> Observability {
    let mut module = Module::new("observability", "Alarms for every queue and function, one dashboard, and traces.");
    let inputs = Inputs::new();
    let topic = module.variable(&inputs.alarms_topic_arn);
    let xray = module.variable(&inputs.xray_enabled);
    let stage_arn = module.variable(&inputs.api_stage_arn);
    let watched = Watched {
        suffix: module.variable(&inputs.environment_suffix),
        queue_names: module.variable(&inputs.queue_names),
        function_names: module.variable(&inputs.function_names),
        api_name: module.variable(&inputs.api_name),
        api_stage: module.variable(&inputs.api_stage),
    };

    let mut alarms = BTreeMap::new();
    for alarm in pipeline::alarms() {
        let added = add_alarm(&mut module, &alarm, &watched, &topic);
        alarms.insert(alarm.name, added);
    }
    let alarm_arns: Vec<_> = alarms.values().map(CloudwatchMetricAlarmReference::arn).collect();
    let dashboard = module.add(
        "orders",
        CloudwatchDashboard {
            dashboard_name: suffixed("orders-dashboard", &watched.suffix),
            dashboard_body: dashboard::body(&watched, alarm_arns).encode(),
        },
    );
    add_traces(&mut module, &watched, &xray, &stage_arn);

    let names: Vec<_> = alarms.iter().map(|(name, alarm)| (name.clone(), alarm.alarm_name())).collect();
    Observability {
        dashboard_name: module.output("dashboard_name", "Name of the dashboard.", dashboard.dashboard_name()),
        alarm_names: module.output("alarm_names", "Full name of each alarm, by its name without the suffix.", names),
        inputs,
        module,
    }
}

fn add_alarm(
    module: &mut Module,
    alarm: &Alarm,
    watched: &Watched,
    topic: &Expression<Text>,
) -> CloudwatchMetricAlarmReference {
    let (namespace, dimensions) = watched.metrics_of(alarm.subject);
    let severity = match alarm.severity {
        Severity::Page => "[page] ",
        Severity::Ticket => "[ticket] ",
    };
    let (operator, limit, missing_data) = match alarm.threshold.limit {
        Limit::AtMost(most) => ("GreaterThanThreshold", most, "notBreaching"),
        Limit::AtLeast(least) => ("LessThanThreshold", least, "breaching"),
    };
    let resource = CloudwatchMetricAlarm {
        alarm_name: suffixed(&alarm.name, &watched.suffix),
        comparison_operator: operator,
        evaluation_periods: alarm.threshold.of,
    }
    .alarm_description(template![severity, alarm.description.as_str()])
    .namespace(namespace)
    .metric_name(alarm.metric)
    .dimensions(dimensions)
    .period(PERIOD_SECONDS)
    .datapoints_to_alarm(alarm.threshold.breaches)
    .threshold(limit)
    .treat_missing_data(missing_data)
    .alarm_actions([topic])
    .ok_actions([topic]);
    let resource = match alarm.statistic {
        Statistic::Maximum => resource.statistic("Maximum"),
        Statistic::Sum => resource.statistic("Sum"),
        Statistic::Percentile(percentile) => resource.extended_statistic(percentile),
    };
    module.add(&logical(&alarm.name), resource)
}

/// X-Ray's view of this environment's functions, and how many requests of its API are traced.
fn add_traces(module: &mut Module, watched: &Watched, xray: &Expression<Boolean>, stage_arn: &Expression<Text>) {
    let mut filter = Vec::new();
    for stage in pipeline::stages() {
        filter.push(TemplatePart::from(if filter.is_empty() { "service(\"" } else { "\") OR service(\"" }));
        filter.push(TemplatePart::from(watched.function_names.key(&stage.function())));
    }
    filter.push(TemplatePart::from("\")"));
    module.add_when(
        xray,
        "orders",
        XrayGroup { group_name: suffixed("orders-group", &watched.suffix), filter_expression: Value::of_parts(filter) },
    );
    module.add_when(
        xray,
        "orders",
        XraySamplingRule {
            priority: 1000,
            version: 1,
            // One request a second, and of those beyond it one in twenty.
            reservoir_size: 1,
            fixed_rate: 0.05,
            host: "*",
            http_method: "*",
            service_name: "*",
            service_type: "*",
            url_path: "*",
            resource_arn: stage_arn,
        }
        .rule_name(suffixed("orders-sampling", &watched.suffix)),
    );
}
