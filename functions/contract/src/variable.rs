//! Names of the environment variables that the generator sets and the functions read.

use order_domain::notification::Topic;
use order_domain::stage::Stage;

/// The environment's suffix, e.g. `prod`.
pub const ENVIRONMENT_SUFFIX: &str = "ENVIRONMENT_SUFFIX";
/// Name of the orders table.
pub const ORDERS_TABLE: &str = "ORDERS_TABLE";
/// Name of the inventory table.
pub const INVENTORY_TABLE: &str = "INVENTORY_TABLE";
/// URL of the queue that feeds this function.
pub const SOURCE_QUEUE_URL: &str = "SOURCE_QUEUE_URL";
/// URL of the dead-letter queue of this function's source.
pub const DEAD_LETTER_QUEUE_URL: &str = "DEAD_LETTER_QUEUE_URL";
/// URL of the inventory stage's queue, where a stage forwards to it.
pub const INVENTORY_QUEUE_URL: &str = "INVENTORY_QUEUE_URL";
/// URL of the payment stage's queue, where a stage forwards to it.
pub const PAYMENT_QUEUE_URL: &str = "PAYMENT_QUEUE_URL";
/// URL of the fulfilment stage's queue, where a stage forwards to it.
pub const FULFILMENT_QUEUE_URL: &str = "FULFILMENT_QUEUE_URL";
/// URL of the contact stage's queue, where a stage forwards to it.
pub const CONTACT_QUEUE_URL: &str = "CONTACT_QUEUE_URL";
/// First retry's longest wait, in seconds; it doubles with every receive.
pub const RETRY_BASE_SECONDS: &str = "RETRY_BASE_SECONDS";
/// Longest wait between two retries, in seconds.
pub const RETRY_CAP_SECONDS: &str = "RETRY_CAP_SECONDS";
/// ARN of the topic for order outcomes.
pub const ORDER_CONFIRMATION_TOPIC_ARN: &str = "ORDER_CONFIRMATION_TOPIC_ARN";
/// ARN of the topic for payments.
pub const PAYMENT_STATUS_TOPIC_ARN: &str = "PAYMENT_STATUS_TOPIC_ARN";
/// ARN of the topic for shipments.
pub const SHIPMENT_UPDATES_TOPIC_ARN: &str = "SHIPMENT_UPDATES_TOPIC_ARN";
/// `true` when SMS may be sent from this environment.
pub const SMS_ENABLED: &str = "SMS_ENABLED";
/// The calling codes of the numbers that may be sent SMS, separated by commas, e.g. `+44`.
pub const SMS_CALLING_CODES: &str = "SMS_CALLING_CODES";
/// `true` when push notifications may be sent from this environment.
pub const PUSH_ENABLED: &str = "PUSH_ENABLED";
/// The address that e-mails are sent from; not set where none may be sent.
pub const EMAIL_FROM: &str = "EMAIL_FROM";
/// The SES configuration set that e-mails are sent with, which tells what became of them; not set where none may be sent.
pub const EMAIL_CONFIGURATION_SET: &str = "EMAIL_CONFIGURATION_SET";
/// The retailer's name in customers' messages.
pub const RETAILER_NAME: &str = "RETAILER_NAME";
/// The retailer's customer service in customers' messages: an e-mail address or an `https` URL.
pub const SUPPORT_CONTACT: &str = "SUPPORT_CONTACT";
/// Base URL of the payment gateway (Stripe's API), without a trailing slash.
pub const PAYMENT_GATEWAY_URL: &str = "PAYMENT_GATEWAY_URL";
/// ARN of the secret that holds the payment gateway's API key.
pub const PAYMENT_SECRET_ARN: &str = "PAYMENT_SECRET_ARN";
/// ARN of the secret that the payment gateway signs its webhooks with.
pub const WEBHOOK_SECRET_ARN: &str = "WEBHOOK_SECRET_ARN";

/// The environment variable that holds the URL of the stage's queue, where another stage sends to it; `None` for a
/// stage that no other sends to.
#[must_use]
pub const fn queue_url(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Inventory => Some(INVENTORY_QUEUE_URL),
        Stage::Payment => Some(PAYMENT_QUEUE_URL),
        Stage::Fulfilment => Some(FULFILMENT_QUEUE_URL),
        Stage::Contact => Some(CONTACT_QUEUE_URL),
        Stage::Validate | Stage::Notify | Stage::Reconcile | Stage::Query => None,
    }
}

/// The environment variable that holds the topic's ARN.
#[must_use]
pub const fn topic_arn(topic: Topic) -> &'static str {
    match topic {
        Topic::OrderConfirmation => ORDER_CONFIRMATION_TOPIC_ARN,
        Topic::PaymentStatus => PAYMENT_STATUS_TOPIC_ARN,
        Topic::ShipmentUpdates => SHIPMENT_UPDATES_TOPIC_ARN,
    }
}
