//! `modules/functions`: for each stage its function, a role that may do what the stage does and no more, a log group of
//! its own, and what invokes it.

use std::collections::BTreeMap;

use order_domain::wiring::{self, variable};

use super::surroundings::Surroundings;
use super::{environment_suffix, log_retention_days, xray_enabled};
use crate::aws::lambda_event_source_mapping::{
    DestinationConfig, DestinationConfigOnFailure, FilterCriteria, FilterCriteriaFilter, ScalingConfig,
};
use crate::aws::lambda_function::{Environment, LambdaFunctionReference, LoggingConfig, TracingConfig};
use crate::aws::{
    CloudwatchLogGroup, IamRole, IamRolePolicy, LambdaEventSourceMapping, LambdaFunction, SecretsmanagerSecret,
};
use crate::iam::{Effect, Policy, Statement};
use crate::naming::{logical, suffixed};
use crate::pipeline::{self, Grant, QueueSource, Source, StageDescription, StreamSource, Table, TableAction};
use crate::template;
use crate::terraform::kind::{Boolean, Map, Number, Text};
use crate::terraform::{Expression, Json, Module, Output, Reference, Resource, Value, Variable};
use crate::{array, object};

/// The service that the functions' roles are for.
const LAMBDA: &str = "lambda.amazonaws.com";
/// The secret that holds the payment gateway's API key.
const PAYMENT_SECRET: &str = "payment-gateway-secret";
/// A handler reports the messages that it could not process, so that the others of the batch are not done again.
const REPORTS_FAILURES: [&str; 1] = ["ReportBatchItemFailures"];

/// The module, what it is given and what it gives.
pub struct Functions {
    /// The module.
    pub module: Module,
    /// What the module is given.
    pub inputs: Inputs,
    /// Full name of each function, by its name without the suffix.
    pub function_names: Output<Map<Text>>,
    /// What API Gateway invokes each function by, by its name without the suffix.
    pub function_invoke_arns: Output<Map<Text>>,
    /// Log group of each function, by its name without the suffix.
    pub log_group_names: Output<Map<Text>>,
    /// ARN of the secret for the payment gateway's API key.
    pub payment_secret_arn: Output<Text>,
}

/// The module's variables.
pub struct Inputs {
    /// Ends every name.
    pub environment_suffix: Variable<Text>,
    /// Path of the zip file with the functions' one binary.
    pub functions_package: Variable<Text>,
    /// The processor that it is built for.
    pub architecture: Variable<Text>,
    /// Days for which log lines are kept.
    pub log_retention_days: Variable<Number>,
    /// Trace with X-Ray.
    pub xray_enabled: Variable<Boolean>,
    /// Permit batch calls by the emulator's names for them.
    pub emulator: Variable<Boolean>,
    /// Send SMS to customers.
    pub sms_enabled: Variable<Boolean>,
    /// Who the customer's messages are from.
    pub retailer_name: Variable<Text>,
    /// Where the payment gateway is.
    pub payment_gateway_url: Variable<Text>,
    /// From the queues module.
    pub queue_arns: Variable<Map<Text>>,
    /// From the queues module.
    pub queue_urls: Variable<Map<Text>>,
    /// From the queues module.
    pub dead_letter_queue_arns: Variable<Map<Text>>,
    /// From the queues module.
    pub dead_letter_queue_urls: Variable<Map<Text>>,
    /// From the table module.
    pub table_names: Variable<Map<Text>>,
    /// From the table module.
    pub table_arns: Variable<Map<Text>>,
    /// From the table module.
    pub orders_stream_arn: Variable<Text>,
    /// From the topics module.
    pub topic_arns: Variable<Map<Text>>,
    /// From the topics module.
    pub topics_key_arn: Variable<Text>,
}

/// The variable for the functions' package, which an environment has too.
pub(crate) fn functions_package() -> Variable<Text> {
    Variable::new(
        "functions_package",
        "Path of the zip file with the functions' one binary, `bootstrap`, built for the environment's architecture.",
    )
}

/// The variable for the payment gateway's address, which an environment has too.
pub(crate) fn payment_gateway_url() -> Variable<Text> {
    Variable::new("payment_gateway_url", "Base URL of the payment gateway (Stripe's API), without a trailing slash.")
}

impl Inputs {
    fn new() -> Self {
        Self {
            environment_suffix: environment_suffix(),
            functions_package: functions_package(),
            architecture: Variable::new(
                "architecture",
                "The processor that the package is built for: `arm64` or `x86_64`.",
            )
            .default("arm64"),
            log_retention_days: log_retention_days(),
            xray_enabled: xray_enabled(),
            emulator: Variable::new(
                "emulator",
                "Run on the local emulator, which asks for permissions of batch calls that AWS does not know.",
            )
            .default(false),
            sms_enabled: Variable::new(
                "sms_enabled",
                "Send SMS to customers who asked for them. Every one costs money.",
            )
            .default(false),
            retailer_name: Variable::new("retailer_name", "The retailer's name in customers' messages."),
            payment_gateway_url: payment_gateway_url(),
            queue_arns: Variable::new("queue_arns", "ARN of each stage's queue, by its name without the suffix."),
            queue_urls: Variable::new("queue_urls", "URL of each stage's queue, by its name without the suffix."),
            dead_letter_queue_arns: Variable::new(
                "dead_letter_queue_arns",
                "ARN of each dead-letter queue, by its name without the suffix.",
            ),
            dead_letter_queue_urls: Variable::new(
                "dead_letter_queue_urls",
                "URL of each dead-letter queue, by its name without the suffix.",
            ),
            table_names: Variable::new("table_names", "Full name of each table, by its name without the suffix."),
            table_arns: Variable::new("table_arns", "ARN of each table, by its name without the suffix."),
            orders_stream_arn: Variable::new("orders_stream_arn", "ARN of the orders table's stream."),
            topic_arns: Variable::new("topic_arns", "ARN of each topic, by its name without the suffix."),
            topics_key_arn: Variable::new("topics_key_arn", "ARN of the key that encrypts the topics."),
        }
    }
}

/// The variables' values inside the module.
struct Given {
    suffix: Expression<Text>,
    package: Expression<Text>,
    architecture: Expression<Text>,
    log_retention_days: Expression<Number>,
    xray: Expression<Boolean>,
    emulator: Expression<Boolean>,
    sms: Expression<Boolean>,
    retailer_name: Expression<Text>,
    payment_gateway_url: Expression<Text>,
    queue_arns: Expression<Map<Text>>,
    queue_urls: Expression<Map<Text>>,
    dead_letter_queue_arns: Expression<Map<Text>>,
    dead_letter_queue_urls: Expression<Map<Text>>,
    table_names: Expression<Map<Text>>,
    table_arns: Expression<Map<Text>>,
    orders_stream_arn: Expression<Text>,
    topic_arns: Expression<Map<Text>>,
    topics_key_arn: Expression<Text>,
    payment_secret_arn: Expression<Text>,
    partition: Expression<Text>,
}

/// The module of the pipeline's functions.
#[must_use]
pub fn define() -> Functions {
    let mut module =
        Module::new("functions", "For each stage its function, with a role, a log group and what invokes it.");
    let inputs = Inputs::new();
    let suffix = module.variable(&inputs.environment_suffix);
    let partition = Surroundings::of(&mut module).partition;
    // Its value, the API's key, is put by a person: it never stands in the code, in a variable or in the state.
    let secret = module.add(
        &logical(PAYMENT_SECRET),
        SecretsmanagerSecret {}
            .name(suffixed(PAYMENT_SECRET, &suffix))
            .description("API key of the payment gateway; the value is put after the first apply.")
            .recovery_window_in_days(0),
    );
    let given = Given {
        suffix,
        partition,
        package: module.variable(&inputs.functions_package),
        architecture: module.variable(&inputs.architecture),
        log_retention_days: module.variable(&inputs.log_retention_days),
        xray: module.variable(&inputs.xray_enabled),
        emulator: module.variable(&inputs.emulator),
        sms: module.variable(&inputs.sms_enabled),
        retailer_name: module.variable(&inputs.retailer_name),
        payment_gateway_url: module.variable(&inputs.payment_gateway_url),
        queue_arns: module.variable(&inputs.queue_arns),
        queue_urls: module.variable(&inputs.queue_urls),
        dead_letter_queue_arns: module.variable(&inputs.dead_letter_queue_arns),
        dead_letter_queue_urls: module.variable(&inputs.dead_letter_queue_urls),
        table_names: module.variable(&inputs.table_names),
        table_arns: module.variable(&inputs.table_arns),
        orders_stream_arn: module.variable(&inputs.orders_stream_arn),
        topic_arns: module.variable(&inputs.topic_arns),
        topics_key_arn: module.variable(&inputs.topics_key_arn),
        payment_secret_arn: secret.arn(),
    };

    let mut functions = BTreeMap::new();
    let mut log_groups = Vec::new();
    for stage in pipeline::stages() {
        let (function, log_group) = add_stage(&mut module, &stage, &given);
        functions.insert(stage.function(), function);
        log_groups.push((stage.function(), log_group));
    }

    let each = |attribute: fn(&LambdaFunctionReference) -> Expression<Text>| {
        functions.iter().map(|(name, function)| (name.clone(), attribute(function))).collect::<Vec<_>>()
    };
    Functions {
        function_names: module.output(
            "function_names",
            "Full name of each function, by its name without the suffix.",
            each(LambdaFunctionReference::function_name),
        ),
        function_invoke_arns: module.output(
            "function_invoke_arns",
            "What API Gateway invokes each function by, by its name without the suffix.",
            each(LambdaFunctionReference::invoke_arn),
        ),
        log_group_names: module.output(
            "log_group_names",
            "Log group of each function, by the function's name without the suffix.",
            log_groups,
        ),
        payment_secret_arn: module.output(
            "payment_secret_arn",
            "ARN of the secret that holds the payment gateway's API key, empty until a person puts it.",
            secret.arn(),
        ),
        inputs,
        module,
    }
}

/// Adds everything of one stage; returns its function and the name of its log group.
fn add_stage(
    module: &mut Module,
    stage: &StageDescription,
    given: &Given,
) -> (LambdaFunctionReference, Expression<Text>) {
    let name = stage.function();
    let logical_name = logical(&name);
    let full_name = suffixed(&name, &given.suffix);

    // Ours, and before the function: Lambda would make one without retention, and destroy would leave it behind.
    let log_group = module.add(
        &logical_name,
        CloudwatchLogGroup {}.name(template!["/aws/lambda/", &full_name]).retention_in_days(&given.log_retention_days),
    );
    let role = module.add(
        &logical_name,
        IamRole { assume_role_policy: Policy::assumed_by(LAMBDA) }
            .name(suffixed(&format!("{}-role", stage.stage.name()), &given.suffix))
            .description(stage.summary),
    );
    let mut statements = vec![Statement::allow(
        "WriteOwnLogs",
        &["logs:CreateLogStream", "logs:PutLogEvents"],
        vec![template![log_group.arn(), ":*"]],
    )];
    statements.extend(source_statements(stage, given));
    statements.extend(stage.grants.iter().flat_map(|grant| grant_statements(*grant, given)));
    if stage.grants.iter().any(|grant| matches!(grant, Grant::Publish(_))) {
        statements.push(Statement::allow(
            "EncryptForTopics",
            &["kms:Decrypt", "kms:GenerateDataKey"],
            vec![given.topics_key_arn.clone().into()],
        ));
    }
    let batch_forms: Vec<Statement> = statements.iter().filter_map(Statement::batch_forms).collect();
    if !batch_forms.is_empty() {
        module.add_when(
            &given.emulator,
            &format!("{logical_name}_emulator"),
            IamRolePolicy { role: role.id(), policy: Policy::new(batch_forms).encode() }
                .name(suffixed(&format!("{}-emulator-policy", stage.stage.name()), &given.suffix)),
        );
    }
    let policy = module.add(
        &logical_name,
        IamRolePolicy { role: role.id(), policy: Policy::new(statements).encode() }
            .name(suffixed(&format!("{}-policy", stage.stage.name()), &given.suffix)),
    );
    // X-Ray knows no resource: its actions can only be permitted on everything.
    let trace = Statement::new("Trace", Effect::Allow, &["xray:PutTelemetryRecords", "xray:PutTraceSegments"])
        .on_any("X-Ray's actions know no resource");
    module.add_when(
        &given.xray,
        &format!("{logical_name}_xray"),
        IamRolePolicy { role: role.id(), policy: Policy::new(vec![trace]).encode() }
            .name(suffixed(&format!("{}-xray-policy", stage.stage.name()), &given.suffix)),
    );
    if stage.has(Grant::TextCustomers) {
        // A telephone number has no ARN, so that only everything can be permitted that is not a topic or an application.
        let text = Statement::new("TextCustomers", Effect::Allow, &["sns:Publish"]).on_all_but(vec![template![
            "arn:",
            &given.partition,
            ":sns:*:*:*"
        ]]);
        module.add_when(
            &given.sms,
            &format!("{logical_name}_sms"),
            IamRolePolicy { role: role.id(), policy: Policy::new(vec![text]).encode() }
                .name(suffixed(&format!("{}-sms-policy", stage.stage.name()), &given.suffix)),
        );
    }

    let function = module.add(
        &logical_name,
        LambdaFunction { function_name: full_name, role: role.arn() }
            .description(stage.summary)
            .runtime("provided.al2023")
            // One binary serves every function; the handler's name picks the stage.
            .handler(stage.stage.name())
            .filename(&given.package)
            .source_code_hash(given.package.file_base64_sha256())
            .architectures([&given.architecture])
            .timeout(stage.timeout_seconds)
            .memory_size(stage.memory_mib)
            .environment(Environment {}.variables(variables(stage, given)))
            // The functions write their own JSON lines and metrics: nothing may wrap them.
            .logging_config(LoggingConfig { log_format: "Text" }.log_group(log_group.name()))
            .tracing_config(TracingConfig { mode: given.xray.choose("Active", "PassThrough") }),
    );
    add_source(module, stage, given, &function, &policy);
    (function, log_group.name())
}

/// What invokes the function. It waits for the policy, without which its first poll would fail.
fn add_source(
    module: &mut Module,
    stage: &StageDescription,
    given: &Given,
    function: &LambdaFunctionReference,
    policy: &impl Reference,
) {
    let mapping = LambdaEventSourceMapping { function_name: function.arn() };
    let mapping = match stage.source {
        Source::Api => return,
        Source::Queue(QueueSource { batch_size, batching_window_seconds, maximum_concurrency, .. }) => mapping
            .event_source_arn(source_queue(stage, &given.queue_arns))
            .batch_size(batch_size)
            .maximum_batching_window_in_seconds(batching_window_seconds)
            .scaling_config(ScalingConfig {}.maximum_concurrency(maximum_concurrency)),
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

/// Of all that is committed to the orders table, only the new event items concern anybody outside.
fn new_events_only() -> Json {
    let starts_with_event = object! { "S": array![object! { "prefix": wiring::table::EVENT_PREFIX }] };
    object! {
        "eventName": array!["INSERT"],
        "dynamodb": object! {
            "Keys": Json::object(vec![(wiring::table::SORT_KEY.to_owned(), starts_with_event)]),
        },
    }
}

fn source_queue(stage: &StageDescription, of: &Expression<Map<Text>>) -> Value<Text> {
    stage.queue().map_or_else(Value::null, |(queue, _)| of.key(&queue.name()).into())
}

fn dead_letters(stage: &StageDescription, of: &Expression<Map<Text>>) -> Value<Text> {
    stage.dead_letters().map_or_else(Value::null, |queue| of.key(&queue.name()).into())
}

/// What the function is told of its surroundings.
fn variables(stage: &StageDescription, given: &Given) -> Vec<(&'static str, Value<Text>)> {
    let mut variables: Vec<(&'static str, Value<Text>)> =
        vec![(variable::ENVIRONMENT_SUFFIX, given.suffix.clone().into())];
    for table in Table::ALL.into_iter().filter(|table| stage.touches(*table)) {
        variables.push((table.variable(), given.table_names.key(table.name()).into()));
    }
    if let Some((_, settings)) = stage.queue() {
        variables.push((variable::SOURCE_QUEUE_URL, source_queue(stage, &given.queue_urls)));
        variables.push((variable::RETRY_BASE_SECONDS, settings.retry_base_seconds.to_string().into()));
        variables.push((variable::RETRY_CAP_SECONDS, settings.retry_cap_seconds.to_string().into()));
    }
    if stage.dead_letters().is_some() {
        variables.push((variable::DEAD_LETTER_QUEUE_URL, dead_letters(stage, &given.dead_letter_queue_urls)));
    }
    for next in stage.forwards_to {
        if let Some(name) = next.queue_variable() {
            variables.push((name, given.queue_urls.key(&pipeline::Queue::Work(*next).name()).into()));
        }
    }
    for grant in &stage.grants {
        match grant {
            Grant::Publish(topic) => variables.push((topic.variable(), given.topic_arns.key(topic.name()).into())),
            Grant::TextCustomers => {
                variables.push((variable::SMS_ENABLED, given.sms.choose("true", "false").into()));
                variables.push((variable::RETAILER_NAME, given.retailer_name.clone().into()));
            }
            Grant::PaymentSecret => {
                variables.push((variable::PAYMENT_SECRET_ARN, given.payment_secret_arn.clone().into()));
                variables.push((variable::PAYMENT_GATEWAY_URL, given.payment_gateway_url.clone().into()));
            }
            Grant::Table(..) | Grant::Index(..) | Grant::Stream(_) => {}
        }
    }
    variables
}

/// Receiving from the source, giving up to the dead-letter queue, and forwarding.
fn source_statements(stage: &StageDescription, given: &Given) -> Vec<Statement> {
    let mut statements = Vec::new();
    if stage.queue().is_some() {
        let actions =
            ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
        statements.push(Statement::allow("Receive", &actions, vec![source_queue(stage, &given.queue_arns)]));
    }
    if stage.dead_letters().is_some() {
        let queue = dead_letters(stage, &given.dead_letter_queue_arns);
        statements.push(Statement::allow("GiveUp", &["sqs:SendMessage"], vec![queue]));
    }
    if !stage.forwards_to.is_empty() {
        let next = stage.forwards_to.iter().map(|next| given.queue_arns.key(&pipeline::Queue::Work(*next).name()));
        statements.push(Statement::allow("Forward", &["sqs:SendMessage"], next.map(Into::into).collect()));
    }
    statements
}

/// The statements that permit what the pipeline grants; none where a policy of its own does.
fn grant_statements(grant: Grant, given: &Given) -> Vec<Statement> {
    let table_arn = |table: Table| given.table_arns.key(table.name());
    match grant {
        Grant::Table(table, actions) => {
            let names: Vec<_> = actions.iter().copied().map(TableAction::name).collect();
            let id = format!("Use{table:?}");
            vec![Statement::allow(&id, &names, vec![table_arn(table).into()])]
        }
        Grant::Index(table, index) => {
            let index = template![table_arn(table), "/index/", index];
            vec![Statement::allow("QueryIndex", &[TableAction::Query.name()], vec![index])]
        }
        Grant::Stream(table) => {
            let read = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];
            vec![
                Statement::allow("ReadStream", &read, vec![given.orders_stream_arn.clone().into()]),
                // Listing is permitted on all of a table's streams; a single one cannot be listed.
                Statement::allow(
                    "ListStreams",
                    &["dynamodb:ListStreams"],
                    vec![template![table_arn(table), "/stream/*"]],
                ),
            ]
        }
        Grant::Publish(topic) => {
            let id = format!("Publish{topic:?}");
            vec![Statement::allow(&id, &["sns:Publish"], vec![given.topic_arns.key(topic.name()).into()])]
        }
        Grant::PaymentSecret => vec![Statement::allow(
            "ReadPaymentKey",
            &["secretsmanager:GetSecretValue"],
            vec![given.payment_secret_arn.clone().into()],
        )],
        Grant::TextCustomers => Vec::new(),
    }
}
