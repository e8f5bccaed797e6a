//! `modules/api`: the HTTP interface. An order goes from API Gateway straight into the validate queue: no code of ours
//! runs before it is stored.

mod gateway_responses;
mod inputs;
mod methods;
mod parts;
mod problem;
mod publication;
pub(crate) mod routes;

use std::collections::BTreeSet;

use order_domain::stage::Stage;

use super::location::Location;
use crate::aws::api_gateway_rest_api::EndpointConfiguration;
use crate::aws::{
    ApiGatewayModel, ApiGatewayRequestValidator, ApiGatewayRestApi, IamRole, IamRolePolicy, LambdaPermission,
};
use crate::iam::{Policy, Statement};
use crate::naming::suffixed;
use crate::pipeline::{self, Queue};
use crate::template;
use crate::terraform::kind::Text;
use crate::terraform::{Dependable, Expression, Json, Module, Output, Value};

pub use inputs::Inputs;
use parts::{API_GATEWAY, Parts};

/// The module with its inputs and outputs.
pub struct Api {
    /// The module.
    pub module: Module,
    /// The module's variables.
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
    let location = Location::of(&mut module);

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
            &location.partition,
            ":apigateway:",
            &location.region,
            ":sqs:path/",
            &location.account,
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
    let resources = methods::resources(&mut module, &parts.api);
    let documents = routes::documents();
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
        let storage = methods::Storage {
            uri: queue_uri(document.stage),
            resource: resources.id(document.resource),
            role: queue_role.clone(),
            model: model.map(|model| model.name()),
            validator: validator.id(),
        };
        methods::store(&mut module, &mut parts, &document, &storage);
    }
    methods::reads(&mut module, &mut parts, &resources, &function_invoke_arns.key(&query), &validator.id());
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
    let stage = publication::publish(&mut module, &inputs, &parts, &suffix);

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
