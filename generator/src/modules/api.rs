//! `modules/api`: the HTTP interface. An order goes from API Gateway straight into the validate queue: no code of ours
//! runs before it is stored.

mod gateway_responses;
mod routes;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use order_domain::wiring::Stage;

use super::surroundings::Surroundings;
use super::{environment_suffix, log_retention_days, xray_enabled};
use crate::aws::api_gateway_method_settings::Settings;
use crate::aws::api_gateway_rest_api::{ApiGatewayRestApiReference, EndpointConfiguration};
use crate::aws::api_gateway_stage::AccessLogSettings;
use crate::aws::{
    ApiGatewayAccount, ApiGatewayDeployment, ApiGatewayMethodSettings, ApiGatewayModel, ApiGatewayRequestValidator,
    ApiGatewayRestApi, ApiGatewayStage, CloudwatchLogGroup, IamRole, IamRolePolicy, LambdaPermission,
};
use crate::iam::{Effect, Policy, Statement};
use crate::naming::suffixed;
use crate::pipeline::{self, Queue};
use crate::template;
use crate::terraform::kind::{Boolean, Map, Number, Text};
use crate::terraform::{Address, Dependable, Expression, Json, Module, Output, Resource, Value, Variable, block_when};

/// The service that the API's roles are for.
const API_GATEWAY: &str = "apigateway.amazonaws.com";
/// The one stage: a version of the interface, not an environment.
const STAGE: &str = "v1";

/// The module, what it is given and what it gives.
pub struct Api {
    /// The module.
    pub module: Module,
    /// What the module is given.
    pub inputs: Inputs,
    /// Where the API is called.
    pub api_endpoint: Output<Text>,
    /// The API's id.
    pub api_id: Output<Text>,
    /// The API's name, by which its metrics are found.
    pub api_name: Output<Text>,
    /// The stage's name.
    pub api_stage: Output<Text>,
    /// The stage's ARN.
    pub api_stage_arn: Output<Text>,
}

/// The module's variables.
pub struct Inputs {
    /// Ends every name.
    pub environment_suffix: Variable<Text>,
    /// From the queues module.
    pub queue_arns: Variable<Map<Text>>,
    /// From the queues module.
    pub queue_names: Variable<Map<Text>>,
    /// From the functions module.
    pub function_names: Variable<Map<Text>>,
    /// From the functions module.
    pub function_invoke_arns: Variable<Map<Text>>,
    /// Requests a second.
    pub throttling_rate_limit: Variable<Number>,
    /// Requests at once.
    pub throttling_burst_limit: Variable<Number>,
    /// Throttle the payment gateway's route by itself.
    pub webhook_throttled: Variable<Boolean>,
    /// The payment gateway's requests a second.
    pub webhook_rate_limit: Variable<Number>,
    /// The payment gateway's requests at once.
    pub webhook_burst_limit: Variable<Number>,
    /// Own the account's logging role, and write access logs.
    pub manage_account_logging_role: Variable<Boolean>,
    /// Days for which the access log is kept.
    pub log_retention_days: Variable<Number>,
    /// Trace with X-Ray.
    pub xray_enabled: Variable<Boolean>,
}

impl Inputs {
    fn new() -> Self {
        Self {
            environment_suffix: environment_suffix(),
            queue_arns: Variable::new("queue_arns", "ARN of each stage's queue, by its name without the suffix."),
            queue_names: Variable::new("queue_names", "Full name of every queue, by its name without the suffix."),
            function_names: Variable::new(
                "function_names",
                "Full name of each function, by its name without the suffix.",
            ),
            function_invoke_arns: Variable::new(
                "function_invoke_arns",
                "What API Gateway invokes each function by, by its name without the suffix.",
            ),
            throttling_rate_limit: Variable::new("throttling_rate_limit", "Requests a second that the stage admits."),
            throttling_burst_limit: Variable::new(
                "throttling_burst_limit",
                "Requests that the stage admits at once, above the rate.",
            ),
            webhook_throttled: Variable::new(
                "webhook_throttled",
                "Throttle `POST /webhooks/payment`, which anybody may call, by itself. Only the local emulator, which gives \
                 the setting of a nested path back under another name, needs `false`.",
            )
            .default(true),
            webhook_rate_limit: Variable::new(
                "webhook_rate_limit",
                "Requests a second that `POST /webhooks/payment` admits.",
            ),
            webhook_burst_limit: Variable::new(
                "webhook_burst_limit",
                "Requests that `POST /webhooks/payment` admits at once, above the rate.",
            ),
            manage_account_logging_role: Variable::new(
                "manage_account_logging_role",
                "Own the role with which API Gateway writes logs, and write access logs. An AWS account has one such \
                 role per region: of the environments in one account and region, one may own it.",
            )
            .default(false),
            log_retention_days: log_retention_days(),
            xray_enabled: xray_enabled(),
        }
    }
}

/// What the parts of the API share.
struct Parts {
    api: ApiGatewayRestApiReference,
    /// What the deployment takes a picture of, and therefore has to wait for.
    deployed: Vec<Address>,
}

/// The module of the pipeline's API.
#[must_use]
pub fn define() -> Api {
    let mut module = Module::new("api", "The HTTP interface: orders go straight into a queue, reads to a function.");
    let inputs = Inputs::new();
    let suffix = module.variable(&inputs.environment_suffix);
    let queue_arns = module.variable(&inputs.queue_arns);
    let queue_names = module.variable(&inputs.queue_names);
    let function_names = module.variable(&inputs.function_names);
    let function_invoke_arns = module.variable(&inputs.function_invoke_arns);
    let surroundings = Surroundings::of(&mut module);

    let api = module.add(
        "orders",
        ApiGatewayRestApi { name: suffixed("orders-api", &suffix) }
            .description("Takes orders and answers questions about them.")
            .endpoint_configuration(EndpointConfiguration { types: ["REGIONAL"] }),
    );
    let queue_of = |stage: Stage| Queue::Work(stage).name();
    let queue_uri = |stage: Stage| {
        template![
            "arn:",
            &surroundings.partition,
            ":apigateway:",
            &surroundings.region,
            ":sqs:path/",
            &surroundings.account,
            "/",
            queue_names.key(&queue_of(stage))
        ]
    };
    let validator = module.add(
        "everything",
        ApiGatewayRequestValidator { rest_api_id: api.id(), name: suffixed("everything-validator", &suffix) }
            .validate_request_body(true)
            .validate_request_parameters(true),
    );

    let mut parts = Parts { deployed: vec![validator.dependency()], api };
    let query = pipeline::stages().into_iter().find(|stage| stage.stage == Stage::Query).map(|stage| stage.function());
    let query = query.unwrap_or_default();
    let resources = routes::resources(&mut module, &parts.api);
    let documents = routes::documents(&resources);
    let stages: BTreeSet<Stage> = documents.iter().map(|document| document.stage).collect();
    let senders = stages.into_iter().map(|stage| queue_arns.key(&queue_of(stage)).into());
    let queue_role = sender_role(&mut module, &suffix, senders.collect());
    for document in documents {
        let model = document.model.as_ref().map(|model| {
            module.add(
                document.name,
                ApiGatewayModel { rest_api_id: parts.api.id(), name: model.name, content_type: "application/json" }
                    .description(model.description)
                    .schema(Json::from(&model.schema).encode()),
            )
        });
        parts.deployed.extend(model.as_ref().map(Dependable::dependency));
        let storage = routes::Storage {
            uri: queue_uri(document.stage),
            role: queue_role.clone(),
            model: model.map(|model| model.name()),
            validator: validator.id(),
        };
        routes::store(&mut module, &mut parts, &document, &storage);
    }
    routes::reads(&mut module, &mut parts, &resources, &function_invoke_arns.key(&query), &validator.id());
    gateway_responses::add(&mut module, &mut parts);
    module.add(
        "query_function",
        LambdaPermission {
            action: "lambda:InvokeFunction",
            function_name: function_names.key(&query),
            principal: API_GATEWAY,
        }
        .statement_id("InvokedByTheOrdersApi")
        .source_arn(template![parts.api.execution_arn(), "/*/GET/*"]),
    );
    let stage = publish(&mut module, &inputs, &parts, &suffix);

    Api {
        api_endpoint: module.output(
            "api_endpoint",
            "Where the API is called, e.g. with `/orders` after it.",
            stage.invoke_url(),
        ),
        api_id: module.output("api_id", "The API's id.", parts.api.id()),
        api_name: module.output("api_name", "The API's name, by which its metrics are found.", parts.api.name()),
        api_stage: module.output("api_stage", "Name of the API's stage.", stage.stage_name()),
        api_stage_arn: module.output("api_stage_arn", "ARN of the API's stage.", stage.arn()),
        inputs,
        module,
    }
}

/// The role with which API Gateway may send to these queues and do nothing else.
fn sender_role(module: &mut Module, suffix: &Expression<Text>, queue_arns: Vec<Value<Text>>) -> Expression<Text> {
    let role = module.add(
        "sender",
        IamRole { assume_role_policy: Policy::assumed_by(API_GATEWAY) }
            .name(suffixed("orders-api-role", suffix))
            .description("Lets the API put documents into the queues that store them."),
    );
    let send = Statement::allow("StoreDocuments", &["sqs:SendMessage"], queue_arns);
    module.add(
        "sender",
        IamRolePolicy { role: role.id(), policy: Policy::new(vec![send]).encode() }
            .name(suffixed("orders-api-policy", suffix)),
    );
    role.arn()
}

/// The deployment, its stage, throttles and access log.
fn publish(
    module: &mut Module,
    inputs: &Inputs,
    parts: &Parts,
    suffix: &Expression<Text>,
) -> crate::aws::api_gateway_stage::ApiGatewayStageReference {
    let rate = module.variable(&inputs.throttling_rate_limit);
    let burst = module.variable(&inputs.throttling_burst_limit);
    let retention = module.variable(&inputs.log_retention_days);
    let logs = module.variable(&inputs.manage_account_logging_role);
    let xray = module.variable(&inputs.xray_enabled);

    // A hash of what is written here. One of what Terraform reads back would change without any change of ours.
    let definition = definition_hash(module);
    let waits_for: Vec<&dyn Dependable> = parts.deployed.iter().map(|address| address as &dyn Dependable).collect();
    let deployment = module.add(
        "orders",
        ApiGatewayDeployment { rest_api_id: parts.api.id() }
            .triggers([("definition", definition)])
            .depends_on(&waits_for)
            // The stage has to move to the new deployment before the old one can go.
            .create_before_destroy(),
    );

    let log_group = module.add_when(
        &logs,
        "access",
        CloudwatchLogGroup {}
            .name(template!["/aws/apigateway/", suffixed("orders-api", suffix)])
            .retention_in_days(retention),
    );
    let account = account_logging(module, &logs, suffix);
    let stage = module.add(
        "orders",
        ApiGatewayStage { rest_api_id: parts.api.id(), deployment_id: deployment.id(), stage_name: STAGE }
            .xray_tracing_enabled(xray)
            .access_log_settings(block_when(
                &logs,
                AccessLogSettings {
                    destination_arn: log_group.under_same_condition().arn(),
                    format: access_log_format(),
                },
            ))
            .depends_on(&[&account]),
    );
    let webhook_throttled = module.variable(&inputs.webhook_throttled);
    let webhook_rate = module.variable(&inputs.webhook_rate_limit);
    let webhook_burst = module.variable(&inputs.webhook_burst_limit);
    // A method with settings of its own has none of those of every method.
    let of_method =
        |path: &'static str, rate: Expression<Number>, burst: Expression<Number>| ApiGatewayMethodSettings {
            rest_api_id: parts.api.id(),
            stage_name: stage.stage_name(),
            method_path: path,
            settings: Settings {}
                .metrics_enabled(true)
                // Execution logs hold whole requests, and with them customers' data; the access log says enough.
                .logging_level("OFF")
                .throttling_rate_limit(rate)
                .throttling_burst_limit(burst),
        };
    module.add("every_method", of_method("*/*", rate, burst));
    module.add_when(
        &webhook_throttled,
        routes::WEBHOOK,
        of_method(routes::WEBHOOK_METHOD, webhook_rate, webhook_burst),
    );
    stage
}

/// The account's role for writing logs, where this environment owns it.
fn account_logging(
    module: &mut Module,
    owned: &Expression<Boolean>,
    suffix: &Expression<Text>,
) -> impl Dependable + use<> {
    let role = module.add_when(
        owned,
        "logging",
        IamRole { assume_role_policy: Policy::assumed_by(API_GATEWAY) }
            .name(suffixed("api-logging-role", suffix))
            .description("Lets API Gateway write access logs; belongs to the whole account."),
    );
    let role = role.under_same_condition();
    // What API Gateway asks of the role, for every API of the account and for groups that it makes itself.
    let write = Statement::new(
        "WriteLogs",
        Effect::Allow,
        &[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:PutLogEvents",
        ],
    )
    .on_any("API Gateway refuses a role that may not write every log group of the account");
    let policy = module.add_when(
        owned,
        "logging",
        IamRolePolicy { role: role.id(), policy: Policy::new(vec![write]).encode() }
            .name(suffixed("api-logging-policy", suffix)),
    );
    module.add_when(owned, "logging", ApiGatewayAccount {}.cloudwatch_role_arn(role.arn()).depends_on(&[&policy]))
}

/// One JSON line a request, without anything of the customer's.
fn access_log_format() -> Value<Text> {
    let fields = [
        ("requestId", "$context.requestId"),
        ("traceId", "$context.xrayTraceId"),
        ("caller", "$context.identity.userArn"),
        ("time", "$context.requestTime"),
        ("method", "$context.httpMethod"),
        ("resource", "$context.resourcePath"),
        ("status", "$context.status"),
        ("errorType", "$context.error.responseType"),
        ("integrationStatus", "$context.integration.status"),
        ("latencyMs", "$context.responseLatency"),
        ("integrationLatencyMs", "$context.integration.latency"),
    ];
    Json::object(fields.map(|(name, value)| (name.to_owned(), value.into())).to_vec()).encode()
}

/// A hash of everything in the module so far: the API's definition.
fn definition_hash(module: &Module) -> String {
    let mut hash = Sha256::new();
    for resource in module.resources() {
        let body = serde_json::Value::Object(resource.body);
        hash.update(format!("{}.{} {body}\n", resource.kind, resource.name));
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// An error in the shape of RFC 9457. `detail` is inserted as it is, so that it can be a quoted variable of API Gateway.
fn problem(title: &str, status: Option<u16>, detail: &str) -> String {
    let status = status.map(|status| format!(r#","status":{status}"#)).unwrap_or_default();
    format!(r#"{{"type":"about:blank","title":"{title}"{status},"detail":{detail},"instance":"$context.requestId"}}"#)
}

/// The content type of [`problem`], as a literal in API Gateway's mappings.
const PROBLEM_JSON: &str = "'application/problem+json'";
