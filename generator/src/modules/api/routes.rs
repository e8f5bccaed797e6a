//! The API's resources and methods.

use order_domain::message::{
    AROUND_A_CANCELLATION, AROUND_A_SHIPMENT, Cancellation, ShipmentUpdate, WEBHOOK_SIGNATURE_ATTRIBUTE,
    WEBHOOK_SIGNATURE_HEADERS,
};
use order_domain::wiring::Stage;

use super::{PROBLEM_JSON, Parts, problem};
use crate::aws::api_gateway_resource::ApiGatewayResourceReference;
use crate::aws::api_gateway_rest_api::ApiGatewayRestApiReference;
use crate::aws::{
    ApiGatewayIntegration, ApiGatewayIntegrationResponse, ApiGatewayMethod, ApiGatewayMethodResponse,
    ApiGatewayResource,
};
use crate::terraform::kind::Text;
use crate::terraform::{Dependable, Expression, Module, Resource, Value};

/// The caller signs its requests; who may call what is decided by IAM.
const SIGNED: &str = "AWS_IAM";
/// Anybody may call; a throttle of its own keeps such a route from taking the others' share.
const OPEN: &str = "NONE";
/// The route's logical name for what the payment gateway tells.
pub(super) const WEBHOOK: &str = "payment_webhook";
/// Its method in a stage's settings: AWS writes a path's slashes as JSON pointers do.
pub(super) const WEBHOOK_METHOD: &str = "~1webhooks~1payment/POST";
/// Seconds after which a client tries again when the queue did not take its order.
const RETRY_AFTER: &str = "'5'";

/// The API's paths.
pub(super) struct Resources {
    orders: ApiGatewayResourceReference,
    order: ApiGatewayResourceReference,
    cancellation: ApiGatewayResourceReference,
    shipments: ApiGatewayResourceReference,
    history: ApiGatewayResourceReference,
    customer_orders: ApiGatewayResourceReference,
    payment_webhook: ApiGatewayResourceReference,
}

/// What storing an order needs.
pub(super) struct Storage {
    pub(super) uri: Value<Text>,
    pub(super) role: Expression<Text>,
    pub(super) model: Option<Expression<Text>>,
    pub(super) validator: Expression<Text>,
}

/// Adds the paths.
pub(super) fn resources(module: &mut Module, api: &ApiGatewayRestApiReference) -> Resources {
    let mut add = |name: &str, parent: Expression<Text>, path: &str| {
        module.add(name, ApiGatewayResource { rest_api_id: api.id(), parent_id: parent, path_part: path })
    };
    let orders = add("orders", api.root_resource_id(), "orders");
    let order = add("order", orders.id(), "{orderId}");
    let history = add("history", order.id(), "history");
    let cancellation = add("cancellation", order.id(), "cancellation");
    let shipments = add("shipments", api.root_resource_id(), "shipments");
    let customers = add("customers", api.root_resource_id(), "customers");
    let customer = add("customer", customers.id(), "{customerId}");
    let customer_orders = add("customer_orders", customer.id(), "orders");
    let webhooks = add("webhooks", api.root_resource_id(), "webhooks");
    let payment_webhook = add(WEBHOOK, webhooks.id(), "payment");
    Resources { orders, order, cancellation, shipments, history, customer_orders, payment_webhook }
}

/// A document that the API stores in a queue: no code of ours runs before it is safe there.
pub(super) struct Document {
    /// The route's logical name.
    pub(super) name: &'static str,
    /// What it has to look like; `None` where only the stage that reads it can tell.
    pub(super) model: Option<Model>,
    /// The stage whose queue stores it.
    pub(super) stage: Stage,
    authorization: &'static str,
    resource: Expression<Text>,
    /// What is needed beside the body, e.g. `path.orderId`.
    parameters: &'static [&'static str],
    /// The message, as SQS's query protocol takes it.
    message: String,
}

/// What a document has to look like.
pub(super) struct Model {
    /// The model's name.
    pub(super) name: &'static str,
    /// What the model describes.
    pub(super) description: &'static str,
    /// The model's schema.
    pub(super) schema: serde_json::Value,
}

/// Every document that the API takes.
pub(super) fn documents(resources: &Resources) -> [Document; 4] {
    const BODY: &str = "$util.urlEncode($input.body)";
    const ORDER_ID: &str = "$util.urlEncode($input.params('orderId'))";
    let [before_shipment, after_shipment] = AROUND_A_SHIPMENT.map(percent_encoded);
    let [before_id, between, after_cancellation] = AROUND_A_CANCELLATION.map(percent_encoded);
    [
        Document {
            name: "place_order",
            model: Some(Model {
                name: "PlaceOrder",
                description: "An order as a client sends it, generated from the type that reads it.",
                schema: order_domain::request::json_schema(),
            }),
            stage: Stage::Validate,
            authorization: SIGNED,
            resource: resources.orders.id(),
            parameters: &[],
            message: format!("MessageBody={BODY}"),
        },
        Document {
            name: "record_shipment",
            model: Some(Model {
                name: "ShipmentUpdate",
                description: "What the warehouse or the carrier reports, generated from the type that reads it.",
                schema: order_domain::schema::of::<ShipmentUpdate>(),
            }),
            stage: Stage::Fulfilment,
            authorization: SIGNED,
            resource: resources.shipments.id(),
            parameters: &[],
            message: format!("MessageBody={before_shipment}{BODY}{after_shipment}"),
        },
        Document {
            name: "cancel_order",
            model: Some(Model {
                name: "Cancellation",
                description: "Why an order is to be cancelled, generated from the type that reads it.",
                schema: order_domain::schema::of::<Cancellation>(),
            }),
            stage: Stage::Fulfilment,
            authorization: SIGNED,
            resource: resources.cancellation.id(),
            parameters: &["path.orderId"],
            message: format!("MessageBody={before_id}{ORDER_ID}{between}{BODY}{after_cancellation}"),
        },
        Document {
            name: WEBHOOK,
            model: None,
            stage: Stage::Reconcile,
            // The payment gateway cannot sign as AWS wants it. It signs the body itself, which the stage checks.
            authorization: OPEN,
            resource: resources.payment_webhook.id(),
            parameters: &["header.Stripe-Signature"],
            message: format!(
                "MessageBody={BODY}&MessageAttribute.1.Name={WEBHOOK_SIGNATURE_ATTRIBUTE}\
                 &MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue={}",
                WEBHOOK_SIGNATURE_HEADERS
                    .map(|header| format!("$util.urlEncode($input.params('{header}'))"))
                    .join("%2C")
            ),
        },
    ]
}

/// JSON in a form field: everything but letters and digits is encoded.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || byte == b'_' { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(encode).collect()
}

/// A route that stores a document: validated, put into the queue, answered with 202 and the message's id.
pub(super) fn store(module: &mut Module, parts: &mut Parts, document: &Document, storage: &Storage) {
    let parameters = document.parameters.iter().map(|name| (format!("method.request.{name}"), true));
    let mut method = ApiGatewayMethod {
        rest_api_id: parts.api.id(),
        resource_id: &document.resource,
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
            resource_id: &document.resource,
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
        template:
            r#"{"status":"RECEIVED","receipt":"$input.path('$.SendMessageResponse.SendMessageResult.MessageId')"}"#
                .to_owned(),
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
    for answer in [accepted, unavailable] {
        let name = format!("{}_{}", document.name, answer.name);
        let header = |name: &str| format!("method.response.header.{name}");
        let declared: Vec<_> = answer.headers.iter().map(|(name, _)| (header(name), true)).collect();
        let mapped: Vec<_> = answer.headers.iter().map(|(name, value)| (header(name), *value)).collect();
        let method_response = module.add(
            &name,
            ApiGatewayMethodResponse {
                rest_api_id: parts.api.id(),
                resource_id: &document.resource,
                http_method: method.http_method(),
                status_code: answer.status,
            }
            .response_parameters(declared),
        );
        let mut response = ApiGatewayIntegrationResponse {
            rest_api_id: parts.api.id(),
            resource_id: &document.resource,
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

/// The reads, which the query function answers.
pub(super) fn reads(
    module: &mut Module,
    parts: &mut Parts,
    resources: &Resources,
    query_function: &Expression<Text>,
    validator: &Expression<Text>,
) {
    let order_id = ("method.request.path.orderId", true);
    let customer_id = ("method.request.path.customerId", true);
    let limit = ("method.request.querystring.limit", false);
    let cursor = ("method.request.querystring.cursor", false);
    let routes = [
        ("get_order", &resources.order, vec![order_id]),
        ("get_history", &resources.history, vec![order_id]),
        ("list_customer_orders", &resources.customer_orders, vec![customer_id, limit, cursor]),
    ];
    for (name, resource, parameters) in routes {
        let method = module.add(
            name,
            ApiGatewayMethod {
                rest_api_id: parts.api.id(),
                resource_id: resource.id(),
                http_method: "GET",
                authorization: SIGNED,
            }
            .request_validator_id(validator)
            .request_parameters(parameters),
        );
        let integration = module.add(
            name,
            ApiGatewayIntegration {
                rest_api_id: parts.api.id(),
                resource_id: resource.id(),
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
