//! What the API takes and answers: its paths, the documents that it stores, the reads. `methods.rs` makes resources of
//! them, `docs/openapi.rs` a description for those who call.

use order_contract::api::answers::{CustomerOrders, History, OrderView};
use order_contract::api::around::{
    AROUND_A_CANCELLATION, AROUND_A_SHIPMENT, WEBHOOK_SIGNATURE_ATTRIBUTE, WEBHOOK_SIGNATURE_HEADERS,
};
use order_contract::api::{Cancellation, ShipmentUpdate};
use order_contract::schema::Components;
use order_domain::stage::Stage;

/// The version of the interface, which names the one stage: a stage is not an environment.
pub(crate) const VERSION: &str = "v1";
/// The caller signs its requests; who may call what is decided by IAM.
pub(crate) const SIGNED: &str = "AWS_IAM";
/// Anybody may call; a throttle of its own keeps such a route from taking the others' share.
const OPEN: &str = "NONE";
/// The logical name of the payment gateway's route and of its path.
pub(crate) const WEBHOOK: &str = "payment_webhook";

/// The API's paths, as a tree: a logical name, its parent's, and its own part of the path.
pub(super) const RESOURCES: [(&str, Option<&str>, &str); 10] = [
    ("orders", None, "orders"),
    ("order", Some("orders"), "{orderId}"),
    ("history", Some("order"), "history"),
    ("cancellation", Some("order"), "cancellation"),
    ("shipments", None, "shipments"),
    ("customers", None, "customers"),
    ("customer", Some("customers"), "{customerId}"),
    ("customer_orders", Some("customer"), "orders"),
    ("webhooks", None, "webhooks"),
    (WEBHOOK, Some("webhooks"), "payment"),
];

/// The path of a resource, e.g. `/orders/{orderId}`.
pub(crate) fn path(resource: &str) -> String {
    match RESOURCES.iter().find(|(name, ..)| *name == resource) {
        Some((_, parent, part)) => format!("{}/{part}", parent.map(path).unwrap_or_default()),
        None => String::new(),
    }
}

/// A document that the API stores in a queue: no code of ours runs before it is safe there.
pub(crate) struct Document {
    /// The route's logical name.
    pub(crate) name: &'static str,
    /// What it has to look like; `None` where only the stage that reads it can tell.
    pub(crate) model: Option<Model>,
    /// The stage whose queue stores it.
    pub(crate) stage: Stage,
    /// How a caller shows who it is.
    pub(crate) authorization: &'static str,
    /// The logical name of its path.
    pub(crate) resource: &'static str,
    /// What is needed beside the body, e.g. `path.orderId`.
    pub(crate) parameters: &'static [&'static str],
    /// The message, as SQS's query protocol takes it.
    pub(crate) message: String,
    /// Whether the caller is told 400 where SQS says 400, or as little as of everything else: that it should try again.
    pub(crate) queue_refusal: QueueRefusal,
}

/// What a 400 of SQS means for the caller. SQS says it of a body that is too large or has characters that it does not take,
/// and also when it throttles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueRefusal {
    /// 503: a client takes a 400 as final, so that an order that SQS throttles would be lost. That a body which no queue will
    /// ever take is sent again and again is the lesser evil: whoever sends it signs, and is known.
    TryAgain,
    /// 400: anybody may call, and nobody should be paged for a message that the queue refuses. Nothing
    /// is lost: the payment gateway sends again whatever is not answered with 2xx.
    CallersFault,
}

/// What a document has to look like.
pub(crate) struct Model {
    /// The model's name.
    pub(crate) name: &'static str,
    /// What the model describes.
    pub(crate) description: &'static str,
    /// The model's schema.
    pub(crate) schema: serde_json::Value,
}

/// Every document that the API takes.
pub(crate) fn documents() -> [Document; 4] {
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
                schema: order_contract::schema::of::<order_domain::request::PlaceOrder>(),
            }),
            stage: Stage::Validate,
            authorization: SIGNED,
            resource: "orders",
            parameters: &[],
            message: format!("MessageBody={BODY}"),
            queue_refusal: QueueRefusal::TryAgain,
        },
        Document {
            name: "record_shipment",
            model: Some(Model {
                name: "ShipmentUpdate",
                description: "What the warehouse or the carrier reports, generated from the type that reads it.",
                schema: order_contract::schema::of::<ShipmentUpdate>(),
            }),
            stage: Stage::Fulfilment,
            authorization: SIGNED,
            resource: "shipments",
            parameters: &[],
            message: format!("MessageBody={before_shipment}{BODY}{after_shipment}"),
            queue_refusal: QueueRefusal::TryAgain,
        },
        Document {
            name: "cancel_order",
            model: Some(Model {
                name: "Cancellation",
                description: "Why an order is to be cancelled, generated from the type that reads it.",
                schema: order_contract::schema::of::<Cancellation>(),
            }),
            stage: Stage::Fulfilment,
            authorization: SIGNED,
            resource: "cancellation",
            parameters: &["path.orderId"],
            message: format!("MessageBody={before_id}{ORDER_ID}{between}{BODY}{after_cancellation}"),
            queue_refusal: QueueRefusal::TryAgain,
        },
        Document {
            name: WEBHOOK,
            model: None,
            stage: Stage::Reconcile,
            // The payment gateway cannot sign as AWS wants it. It signs the body itself, which the stage checks.
            authorization: OPEN,
            resource: WEBHOOK,
            parameters: &["header.Stripe-Signature"],
            message: format!(
                "MessageBody={BODY}&MessageAttribute.1.Name={WEBHOOK_SIGNATURE_ATTRIBUTE}\
                 &MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue={}",
                WEBHOOK_SIGNATURE_HEADERS
                    .map(|header| format!("$util.urlEncode($input.params('{header}'))"))
                    .join("%2C")
            ),
            queue_refusal: QueueRefusal::CallersFault,
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

/// A read, which the query function answers.
pub(crate) struct Read {
    /// The route's logical name.
    pub(crate) name: &'static str,
    /// The logical name of its path.
    pub(crate) resource: &'static str,
    /// What it takes beside the path, e.g. `querystring.limit`, and whether it has to be there.
    pub(crate) parameters: &'static [(&'static str, bool)],
    /// The schema of what it answers.
    pub(crate) answer: fn(&mut Components) -> serde_json::Value,
}

/// Every read.
pub(crate) const READS: [Read; 3] = [
    Read {
        name: "get_order",
        resource: "order",
        parameters: &[("path.orderId", true)],
        answer: Components::reference::<OrderView>,
    },
    Read {
        name: "get_history",
        resource: "history",
        parameters: &[("path.orderId", true)],
        answer: Components::reference::<History>,
    },
    Read {
        name: "list_customer_orders",
        resource: "customer_orders",
        parameters: &[("path.customerId", true), ("querystring.limit", false), ("querystring.cursor", false)],
        answer: Components::reference::<CustomerOrders>,
    },
];
