//! An environment's root module: the modules wired to one another, and the provider pointed at AWS or the emulator.

use std::path::Path;

use crate::RenderedFile;
use crate::aws::provider::{DefaultTags, Endpoints, Provider};
use crate::environment::{Backend, EmailAddress, Environment};
use crate::modules::functions::{by_queue, functions_package, payment_gateway_url};
use crate::modules::{api, functions, observability, queues, table, topics};
use crate::modules::{environment_suffix, log_retention_days, require_tls, xray_enabled};
use crate::pipeline::{Table, concurrency};
use crate::terraform::kind::Text;
use crate::terraform::{Block, Expression, Input, Module, ModuleCall, ModuleError, Value, Variable};

/// The value of the tag Application on everything.
pub const APPLICATION: &str = "order-pipeline";
/// Stripe's address, where an environment talks to the real one.
const PAYMENT_GATEWAY: &str = "https://api.stripe.com";

/// The files of `envs/<suffix>/`.
///
/// # Errors
///
/// A mistake in a module's Rust code, see [`ModuleError`].
pub fn environment(environment: &Environment) -> Result<Vec<RenderedFile>, ModuleError> {
    root(environment).files()
}

/// The root module of an environment.
#[must_use]
pub fn root(environment: &Environment) -> Module {
    let suffix = environment.suffix.as_str();
    let folder = Path::new("envs").join(suffix);
    let mut root = Module::in_folder(suffix, folder, "The order pipeline, one deployment of it.");
    add_provider(&mut root, environment);
    add_backend(&mut root, &environment.backend);
    let package = root.variable(&functions_package());
    let gateway = if environment.emulator {
        root.variable(&payment_gateway_url())
    } else {
        root.variable(&payment_gateway_url().default(PAYMENT_GATEWAY))
    };
    let shared = shared_inputs(environment);

    let queues = queues::define();
    let queues_call = call(&mut root, &queues.module, &shared, vec![]);
    let tables = table::define();
    let tables_call = call(&mut root, &tables.module, &shared, vec![]);
    let topics = topics::define();
    let topics_call = call(
        &mut root,
        &topics.module,
        &shared,
        vec![topics.alarm_email.set(address(environment.alarm_email.as_ref()))],
    );
    let functions = functions::define();
    let notifications = &environment.notifications;
    let inputs = &functions.inputs;
    // Without the setting, or with enough concurrency, the module's own bounds apply.
    let bounds = environment.account_concurrency.and_then(|it| concurrency::bounds_within(it.invocations()));
    let lowered = bounds.filter(|bounds| *bounds != concurrency::bounds());
    let lowered = lowered.map(|bounds| inputs.maximum_concurrency.set(by_queue(bounds)));
    let functions_call = call(
        &mut root,
        &functions.module,
        &shared,
        vec![
            inputs.functions_package.set(package),
            inputs.architecture.set(environment.architecture.as_str()),
            inputs.emulator.set(environment.emulator),
            inputs.sms_enabled.set(notifications.sms),
            inputs.sms_calling_codes.set(notifications.sms_calling_codes.to_string()),
            inputs.manage_account_sms_limit.set(notifications.manage_account_sms_limit),
            inputs.sms_monthly_spend_limit_usd.set(notifications.sms_monthly_spend_limit.dollars()),
            inputs.push_enabled.set(notifications.push),
            inputs.email_from.set(address(notifications.email_from.as_ref())),
            inputs.retailer_name.set(notifications.retailer_name.as_str()),
            inputs.support_contact.set(notifications.support_contact.as_str()),
            inputs.payment_gateway_url.set(gateway),
            inputs.queue_arns.set(queues_call.output(&queues.queue_arns)),
            inputs.queue_urls.set(queues_call.output(&queues.queue_urls)),
            inputs.dead_letter_queue_arns.set(queues_call.output(&queues.dead_letter_queue_arns)),
            inputs.dead_letter_queue_urls.set(queues_call.output(&queues.dead_letter_queue_urls)),
            inputs.table_names.set(tables_call.output(&tables.table_names)),
            inputs.table_arns.set(tables_call.output(&tables.table_arns)),
            inputs.orders_stream_arn.set(tables_call.output(&tables.orders_stream_arn)),
            inputs.topic_arns.set(topics_call.output(&topics.topic_arns)),
            inputs.topics_key_arn.set(topics_call.output(&topics.topics_key_arn)),
        ]
        .into_iter()
        .chain(lowered)
        .collect(),
    );
    let api = api::define();
    let inputs = &api.inputs;
    let api_call = call(
        &mut root,
        &api.module,
        &shared,
        vec![
            inputs.queue_arns.set(queues_call.output(&queues.queue_arns)),
            inputs.queue_names.set(queues_call.output(&queues.queue_names)),
            inputs.function_names.set(functions_call.output(&functions.function_names)),
            inputs.function_invoke_arns.set(functions_call.output(&functions.function_invoke_arns)),
            inputs.throttling_rate_limit.set(environment.api.rate_limit.requests()),
            inputs.throttling_burst_limit.set(environment.api.burst_limit.requests()),
            inputs.webhook_throttled.set(!environment.emulator),
            inputs.webhook_rate_limit.set(environment.api.webhook_rate_limit.requests()),
            inputs.webhook_burst_limit.set(environment.api.webhook_burst_limit.requests()),
            inputs.manage_account_logging_role.set(environment.api.manage_account_logging_role),
        ],
    );
    let observability = observability::define();
    let inputs = &observability.inputs;
    let observability_call = call(
        &mut root,
        &observability.module,
        &shared,
        vec![
            inputs.alarms_topic_arn.set(topics_call.output(&topics.alarms_topic_arn)),
            inputs.queue_names.set(queues_call.output(&queues.queue_names)),
            inputs.function_names.set(functions_call.output(&functions.function_names)),
            inputs.api_name.set(api_call.output(&api.api_name)),
            inputs.api_stage.set(api_call.output(&api.api_stage)),
            inputs.api_stage_arn.set(api_call.output(&api.api_stage_arn)),
        ],
    );

    let table_names = tables_call.output(&tables.table_names);
    let texts: [(&str, &str, Expression<Text>); 7] = [
        ("api_endpoint", "Where the API is called, e.g. with `/orders` after it.", api_call.output(&api.api_endpoint)),
        ("api_id", "The API's id.", api_call.output(&api.api_id)),
        ("api_stage", "Name of the API's stage.", api_call.output(&api.api_stage)),
        ("orders_table_name", "Full name of the orders table.", table_names.key(Table::Orders.name())),
        ("inventory_table_name", "Full name of the inventory table.", table_names.key(Table::Inventory.name())),
        (
            "alarms_topic_arn",
            "ARN of the topic that every alarm goes to.",
            topics_call.output(&topics.alarms_topic_arn),
        ),
        ("dashboard_name", "Name of the dashboard.", observability_call.output(&observability.dashboard_name)),
    ];
    for (name, description, value) in texts {
        root.output(name, description, value);
    }
    for (secret, arn) in &functions.secret_arns {
        root.output(&secret.output(), &secret.output_description(), functions_call.output(arn));
    }
    let dead_letter_queue_urls = queues_call.output(&queues.dead_letter_queue_urls);
    let queue_urls = queues_call.output(&queues.queue_urls).merge(&dead_letter_queue_urls);
    let maps = [
        ("queue_urls", "URL of every queue, by its name without the suffix.", queue_urls),
        ("topic_arns", "ARN of each topic, by its name without the suffix.", topics_call.output(&topics.topic_arns)),
        (
            "function_names",
            "Full name of each function, by its name without the suffix.",
            functions_call.output(&functions.function_names),
        ),
        (
            "log_group_names",
            "Log group of each function, by the function's name without the suffix.",
            functions_call.output(&functions.log_group_names),
        ),
    ];
    for (name, description, value) in maps {
        root.output(name, description, value);
    }
    root
}

fn address(address: Option<&EmailAddress>) -> Value<Text> {
    address.map_or_else(Value::null, |address| Value::from(address.as_str()))
}

/// Inputs for every module that has a variable of the name.
fn shared_inputs(environment: &Environment) -> Vec<Input> {
    vec![
        environment_suffix().set(environment.suffix.as_str()),
        require_tls().set(!environment.emulator),
        log_retention_days().set(u32::from(environment.log_retention_days.days())),
        xray_enabled().set(environment.xray),
    ]
}

/// Calls a module with its own inputs, and with those of the shared ones that it has a variable for.
fn call(root: &mut Module, module: &Module, shared: &[Input], own: Vec<Input>) -> ModuleCall {
    let declared = |input: &&Input| module.variables().any(|variable| variable.name() == input.name());
    let inputs = shared.iter().filter(declared).cloned().chain(own).collect();
    root.call(module, inputs)
}

/// The provider: everything is tagged, and in an emulator's environment every call goes to the emulator.
fn add_provider(root: &mut Module, environment: &Environment) {
    let tags = [("Environment", environment.suffix.as_str()), ("Application", APPLICATION)];
    let provider = Provider {}.region(environment.region.as_str()).default_tags(DefaultTags {}.tags(tags));
    let provider = if environment.emulator {
        let endpoint = root.variable(&Variable::<Text>::new(
            "aws_endpoint",
            "Where the emulator listens, e.g. `http://127.0.0.1:4566`.",
        ));
        provider
            .skip_credentials_validation(true)
            .skip_metadata_api_check("true")
            .s3_use_path_style(true)
            .endpoints(every_service_at(&endpoint))
    } else {
        provider
    };
    root.provider("aws", provider.into_body());
}

/// Every service that the pipeline uses, so that nothing can reach AWS by mistake.
fn every_service_at(endpoint: &Expression<Text>) -> crate::aws::provider::EndpointsArguments {
    Endpoints {}
        .apigateway(endpoint)
        .cloudwatch(endpoint)
        .dynamodb(endpoint)
        .events(endpoint)
        .iam(endpoint)
        .kms(endpoint)
        .lambda(endpoint)
        .logs(endpoint)
        .scheduler(endpoint)
        .secretsmanager(endpoint)
        .sesv2(endpoint)
        .sns(endpoint)
        .sqs(endpoint)
        .sts(endpoint)
        .xray(endpoint)
}

fn add_backend(root: &mut Module, backend: &Backend) {
    match backend {
        Backend::Local => root.backend("local", Vec::new()),
        Backend::S3 { bucket, key } => root.backend(
            "s3",
            vec![
                ("bucket", bucket.as_str().into()),
                ("key", key.as_str().into()),
                ("region", crate::environment::Region::NAME.into()),
                ("encrypt", true.into()),
                // A lock file beside the state, instead of a table: needs no other resource.
                ("use_lockfile", true.into()),
            ],
        ),
    }
}
