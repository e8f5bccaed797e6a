//! What makes the API callable: its deployment, the stage with its throttles, and the access log.

use sha2::{Digest, Sha256};

use super::inputs::Inputs;
use super::parts::{API_GATEWAY, Parts};
use super::routes;
use crate::aws::api_gateway_method_settings::Settings;
use crate::aws::api_gateway_stage::{AccessLogSettings, ApiGatewayStageReference};
use crate::aws::{
    ApiGatewayAccount, ApiGatewayDeployment, ApiGatewayMethodSettings, ApiGatewayStage, CloudwatchLogGroup, IamRole,
    IamRolePolicy,
};
use crate::iam::{Effect, Policy, Statement};
use crate::naming::suffixed;
use crate::template;
use crate::terraform::kind::{Boolean, Number, Text};
use crate::terraform::{Dependable, Expression, Json, Module, Resource, Value, block_when};

/// The deployment, its stage, throttles and access log.
pub(super) fn publish(
    module: &mut Module,
    inputs: &Inputs,
    parts: &Parts,
    suffix: &Expression<Text>,
) -> ApiGatewayStageReference {
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
        ApiGatewayStage { rest_api_id: parts.api.id(), deployment_id: deployment.id(), stage_name: routes::VERSION }
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
    // AWS writes a path's slashes as JSON pointers do.
    let webhook_method = format!("{}/POST", routes::path(routes::WEBHOOK).replace('/', "~1"));
    // A method with settings of its own has none of those of every method.
    let of_method = |path: &str, rate: Expression<Number>, burst: Expression<Number>| ApiGatewayMethodSettings {
        rest_api_id: parts.api.id(),
        stage_name: stage.stage_name(),
        method_path: Value::<Text>::from(path),
        settings: Settings {}
            .metrics_enabled(true)
            // Execution logs hold whole requests, and with them customers' data; the access log says enough.
            .logging_level("OFF")
            .throttling_rate_limit(rate)
            .throttling_burst_limit(burst),
    };
    module.add("every_method", of_method("*/*", rate, burst));
    module.add_when(&webhook_throttled, routes::WEBHOOK, of_method(&webhook_method, webhook_rate, webhook_burst));
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
        hash.update(format!("{}.{} {body}\n", resource.type_name, resource.name));
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
