//! `modules/functions`: for each stage its function, a role that may do what the stage does and no more, a log group of
//! its own, and what invokes it.

mod channels;
mod conditional_policy;
mod inputs;
mod mail_events;
mod role;
mod schedule;
mod source;
mod variables;

use std::collections::BTreeMap;

use super::location::Location;
use crate::aws::lambda_function::{Environment, LambdaFunctionReference, LoggingConfig, TracingConfig};
use crate::aws::{CloudwatchLogGroup, LambdaFunction, SecretsmanagerSecret};
use crate::naming::{logical, suffixed};
use crate::pipeline::{self, Secret, StageDescription};
use crate::template;
use crate::terraform::kind::{Map, Text};
use crate::terraform::{Expression, Module, Output};

use inputs::Given;
pub use inputs::Inputs;
pub(crate) use inputs::{by_queue, functions_package, payment_gateway_url};

/// The module with its inputs and outputs.
pub struct Functions {
    /// The module.
    pub module: Module,
    /// The module's variables.
    pub inputs: Inputs,
    /// Full name of each function, by its name without the suffix.
    pub function_names: Output<Map<Text>>,
    /// What API Gateway invokes each function by, by its name without the suffix.
    pub function_invoke_arns: Output<Map<Text>>,
    /// Log group of each function, by its name without the suffix.
    pub log_group_names: Output<Map<Text>>,
    /// ARN of each secret.
    pub secret_arns: BTreeMap<Secret, Output<Text>>,
}

/// The module of the pipeline's functions.
#[must_use]
pub fn define() -> Functions {
    let mut module =
        Module::new("functions", "For each stage its function, with a role, a log group and what invokes it.");
    let inputs = Inputs::new();
    let location = Location::of(&mut module);
    let secrets = add_secrets(&mut module, &inputs.environment_suffix.value());
    let given = Given::of(&mut module, &inputs, secrets, location);

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
        secret_arns: given
            .secret_arns
            .iter()
            .map(|(secret, arn)| (*secret, module.output(&secret.output(), &secret.output_description(), arn)))
            .collect(),
        inputs,
        module,
    }
}

/// Adds every secret, empty: a person puts the values after the first apply.
fn add_secrets(module: &mut Module, suffix: &Expression<Text>) -> BTreeMap<Secret, Expression<Text>> {
    let mut add = |secret: Secret| {
        let description = format!("Holds {}; the value is put after the first apply.", secret.description());
        let resource = SecretsmanagerSecret {}
            .name(suffixed(secret.name(), suffix))
            .description(description)
            .recovery_window_in_days(0);
        module.add(&logical(secret.name()), resource).arn()
    };
    Secret::ALL.map(|secret| (secret, add(secret))).into()
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
    let (role, policy) = role::add(module, stage, given, &log_group.arn());
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
            .environment(Environment {}.variables(variables::of(stage, given)))
            // The functions write their own JSON lines and metrics: nothing may wrap them.
            .logging_config(LoggingConfig { log_format: "Text" }.log_group(log_group.name()))
            .tracing_config(TracingConfig { mode: given.xray.choose("Active", "PassThrough") }),
    );
    source::add(module, stage, given, &function, &policy);
    schedule::add(module, stage, given);
    (function, log_group.name())
}
