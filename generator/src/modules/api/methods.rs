//! The API's resources and methods in Terraform.

use std::collections::BTreeMap;

use order_contract::api::answers::{Accepted, ReceiptStatus};

use super::parts::Parts;
use super::problem::{PROBLEM_JSON, problem};
use super::routes::{Document, QueueRefusal, READS, RESOURCES, Read, SIGNED};
use crate::aws::api_gateway_resource::ApiGatewayResourceReference;
use crate::aws::api_gateway_rest_api::ApiGatewayRestApiReference;
use crate::aws::{
    ApiGatewayIntegration, ApiGatewayIntegrationResponse, ApiGatewayMethod, ApiGatewayMethodResponse,
    ApiGatewayResource,
};
use crate::terraform::kind::Text;
use crate::terraform::{Dependable, Expression, Module, Resource, Value};

/// Seconds after which a client tries again when the queue did not take its order.
const RETRY_AFTER: &str = "'5'";

/// The resources of the paths, by their logical names.
pub(super) struct Resources(BTreeMap<&'static str, ApiGatewayResourceReference>);

impl Resources {
    /// The resource's id; every name in this file is one of [`RESOURCES`].
    pub(super) fn id(&self, name: &str) -> Value<Text> {
        self.0.get(name).map_or_else(Value::null, |resource| resource.id().into())
    }
}

/// Adds the paths.
pub(super) fn resources(module: &mut Module, api: &ApiGatewayRestApiReference) -> Resources {
    let mut added = Resources(BTreeMap::new());
    for (name, parent, path_part) in RESOURCES {
        let parent_id = parent.map_or_else(|| api.root_resource_id().into(), |parent| added.id(parent));
        added.0.insert(name, module.add(name, ApiGatewayResource { rest_api_id: api.id(), parent_id, path_part }));
    }
    added
}

/// What storing an order needs.
pub(super) struct Storage {
    pub(super) uri: Value<Text>,
    pub(super) resource: Value<Text>,
    pub(super) role: Expression<Text>,
    pub(super) model: Option<Expression<Text>>,
    pub(super) validator: Expression<Text>,
}

/// A route that stores a document: validated, put into the queue, answered with 202 and the message's id.
pub(super) fn store(module: &mut Module, parts: &mut Parts, document: &Document, storage: &Storage) {
    let parameters = document.parameters.iter().map(|name| (format!("method.request.{name}"), true));
    let mut method = ApiGatewayMethod {
        rest_api_id: parts.api.id(),
        resource_id: &storage.resource,
        http_method: "POST",
        authorization: document.authorization,
    }
    .request_validator_id(&storage.validator)
    .request_parameters(parameters.collect::<Vec<_>>());
    if let Some(model) = &storage.model {
        method = method.request_models([("application/json", model)]);
    }
    let method = module.add(document.name, method);
    let integration = module.add(
        document.name,
        ApiGatewayIntegration {
            rest_api_id: parts.api.id(),
            resource_id: &storage.resource,
            http_method: method.http_method(),
            r#type: "AWS",
        }
        .integration_http_method("POST")
        .uri(&storage.uri)
        .credentials(&storage.role)
        // Anything but JSON is refused: what no template has put into a message must not reach the queue.
        .passthrough_behavior("NEVER")
        .request_parameters([("integration.request.header.Content-Type", "'application/x-www-form-urlencoded'")])
        .request_templates([("application/json", format!("Action=SendMessage&{}", document.message))]),
    );
    parts.deployed.extend([method.dependency(), integration.dependency()]);

    let accepted = Answer {
        name: "accepted",
        status: "202",
        selection_pattern: Some("200"),
        headers: &[],
        template: serde_json::json!(Accepted {
            status: ReceiptStatus::Received,
            receipt: "$input.path('$.SendMessageResponse.SendMessageResult.MessageId')".to_owned(),
        })
        .to_string(),
    };
    // The default, for whatever else SQS answers: the order is not stored, and the client has to know.
    let unavailable = Answer {
        name: "unavailable",
        status: "503",
        selection_pattern: None,
        headers: &[("Content-Type", PROBLEM_JSON), ("Retry-After", RETRY_AFTER)],
        template: problem(
            "Service Unavailable",
            Some(503),
            r#""Nothing was stored. Send it again after the time in Retry-After.""#,
        ),
    };
    // SQS throttles with 400 too: only a caller that retries after every answer may get that status.
    let refused = (document.queue_refusal == QueueRefusal::CallersFault).then(|| Answer {
        name: "refused",
        status: "400",
        selection_pattern: Some("400"),
        headers: &[("Content-Type", PROBLEM_JSON)],
        template: problem(
            "Bad Request",
            Some(400),
            r#""Nothing was stored: the queue does not take it. It is too large, has characters that no message may have, or came too fast.""#,
        ),
    });
    for answer in [accepted, unavailable].into_iter().chain(refused) {
        let name = format!("{}_{}", document.name, answer.name);
        let header = |name: &str| format!("method.response.header.{name}");
        let declared: Vec<_> = answer.headers.iter().map(|(name, _)| (header(name), true)).collect();
        let mapped: Vec<_> = answer.headers.iter().map(|(name, value)| (header(name), *value)).collect();
        let method_response = module.add(
            &name,
            ApiGatewayMethodResponse {
                rest_api_id: parts.api.id(),
                resource_id: &storage.resource,
                http_method: method.http_method(),
                status_code: answer.status,
            }
            .response_parameters(declared),
        );
        let mut response = ApiGatewayIntegrationResponse {
            rest_api_id: parts.api.id(),
            resource_id: &storage.resource,
            http_method: method.http_method(),
            status_code: method_response.status_code(),
        }
        .response_parameters(mapped)
        .response_templates([("application/json", answer.template)]);
        if let Some(pattern) = answer.selection_pattern {
            response = response.selection_pattern(pattern);
        }
        let response = module.add(&name, response.depends_on(&[&integration]));
        parts.deployed.extend([method_response.dependency(), response.dependency()]);
    }
}

/// An answer of the queue and what the client gets for it.
struct Answer {
    name: &'static str,
    status: &'static str,
    /// The status of SQS that it is for; `None` for every other one.
    selection_pattern: Option<&'static str>,
    headers: &'static [(&'static str, &'static str)],
    template: String,
}

/// Adds the reads.
pub(super) fn reads(
    module: &mut Module,
    parts: &mut Parts,
    resources: &Resources,
    query_function: &Expression<Text>,
    validator: &Expression<Text>,
) {
    for Read { name, resource, parameters, .. } in READS {
        let resource_id = resources.id(resource);
        let parameters = parameters.iter().map(|(name, required)| (format!("method.request.{name}"), *required));
        let method = module.add(
            name,
            ApiGatewayMethod {
                rest_api_id: parts.api.id(),
                resource_id: &resource_id,
                http_method: "GET",
                authorization: SIGNED,
            }
            .request_validator_id(validator)
            .request_parameters(parameters.collect::<Vec<_>>()),
        );
        let integration = module.add(
            name,
            ApiGatewayIntegration {
                rest_api_id: parts.api.id(),
                resource_id: &resource_id,
                http_method: method.http_method(),
                r#type: "AWS_PROXY",
            }
            // Lambda is always invoked by POST.
            .integration_http_method("POST")
            .uri(query_function),
        );
        parts.deployed.extend([method.dependency(), integration.dependency()]);
    }
}
