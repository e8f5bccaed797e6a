//! The names that the code and its infrastructure share, each written once: the generator puts them into
//! Terraform, the functions read them back.

/// A Lambda function's role in the pipeline: its handler name selects it in the one binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Parses an order, prices it from the catalogue, and stores it.
    Validate,
    /// Reserves every line of an order, or says that it is out of stock.
    Inventory,
    /// Authorises the payment at the gateway; confirms, or declines and releases the stock.
    Payment,
    /// Records shipments, returns and cancellations, and settles the money that they make due.
    Fulfilment,
    /// Publishes every committed event from the orders table's stream, and asks for the customer to be told.
    Notify,
    /// Tells customers of an event, by e-mail, text message or push notification; and topics that could not be told at once.
    Contact,
    /// Finds orders that stopped moving, or of which the gateway told, and puts them back on the right queue.
    Reconcile,
    /// Answers the API's reads.
    Query,
}

impl Stage {
    /// Every stage, in the order in which an order meets them.
    pub const ALL: [Self; 8] = [
        Self::Validate,
        Self::Inventory,
        Self::Payment,
        Self::Fulfilment,
        Self::Notify,
        Self::Contact,
        Self::Reconcile,
        Self::Query,
    ];

    /// The stage's name: the Lambda handler, and the first part of its queue's and function's names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Inventory => "inventory",
            Self::Payment => "payment",
            Self::Fulfilment => "fulfilment",
            Self::Notify => "notify",
            Self::Contact => "contact",
            Self::Reconcile => "reconcile",
            Self::Query => "query",
        }
    }

    /// The environment variable that holds the URL of the stage's queue, where another stage sends to it; `None` for a
    /// stage that no other sends to.
    #[must_use]
    pub const fn queue_variable(self) -> Option<&'static str> {
        match self {
            Self::Inventory => Some(variable::INVENTORY_QUEUE_URL),
            Self::Payment => Some(variable::PAYMENT_QUEUE_URL),
            Self::Fulfilment => Some(variable::FULFILMENT_QUEUE_URL),
            Self::Contact => Some(variable::CONTACT_QUEUE_URL),
            Self::Validate | Self::Notify | Self::Reconcile | Self::Query => None,
        }
    }

    /// The stage with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

/// Names of the environment variables that the generator sets and the functions read.
pub mod variable {
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
    /// Base URL of the payment gateway (Stripe's API), without a trailing slash.
    pub const PAYMENT_GATEWAY_URL: &str = "PAYMENT_GATEWAY_URL";
    /// ARN of the secret that holds the payment gateway's API key.
    pub const PAYMENT_SECRET_ARN: &str = "PAYMENT_SECRET_ARN";
    /// ARN of the secret that the payment gateway signs its webhooks with.
    pub const WEBHOOK_SECRET_ARN: &str = "WEBHOOK_SECRET_ARN";
}

/// An attribute of every message on the topics, for a subscription's filter policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicAttribute {
    /// What happened.
    EventType,
    /// Where the order stands after it.
    Status,
    /// Whose order it is.
    CustomerId,
    /// The environment's suffix.
    Environment,
}

impl TopicAttribute {
    /// Every attribute.
    pub const ALL: [Self; 4] = [Self::EventType, Self::Status, Self::CustomerId, Self::Environment];

    /// The attribute's name in a message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventType => "eventType",
            Self::Status => "status",
            Self::CustomerId => "customerId",
            Self::Environment => "environment",
        }
    }
}

/// How long a function waits for others. The generator holds a function's own time against the sum of them.
pub mod timeout {
    use std::time::Duration;

    /// One call to AWS, from the first byte sent to the last one received.
    pub const AWS_CALL: Duration = Duration::from_secs(3);
    /// One call to the payment gateway.
    pub const GATEWAY_CALL: Duration = Duration::from_secs(10);
    /// What is kept of a function's time for the end of a batch: forwarding what is done, and giving back what is not.
    pub const END_OF_BATCH: Duration = Duration::from_secs(10);
}

/// Keys and indexes of the two tables.
pub mod table {
    /// Partition key of both tables.
    pub const PARTITION_KEY: &str = "pk";
    /// Sort key of both tables.
    pub const SORT_KEY: &str = "sk";
    /// Index of a customer's orders, newest last.
    pub const CUSTOMER_INDEX: &str = "customer-index";
    /// Partition key of [`CUSTOMER_INDEX`].
    pub const CUSTOMER_INDEX_PARTITION_KEY: &str = "customerId";
    /// Sort key of [`CUSTOMER_INDEX`]: `<createdAt>#<orderId>`.
    pub const CUSTOMER_INDEX_SORT_KEY: &str = "customerSort";
    /// Sparse index of the orders that still have to move.
    pub const OPEN_ORDERS_INDEX: &str = "open-orders-index";
    /// Partition key of [`OPEN_ORDERS_INDEX`]: a shard of the order's id, as a string.
    pub const OPEN_ORDERS_INDEX_PARTITION_KEY: &str = "openShard";
    /// Sort key of [`OPEN_ORDERS_INDEX`]: an RFC 3339 time.
    pub const OPEN_ORDERS_INDEX_SORT_KEY: &str = "nextCheckAt";
    /// What the sort key of an event item starts with; the stream's filter and the writer share it.
    pub const EVENT_PREFIX: &str = "EVENT#";
    /// In a record of what was told: when.
    pub const SENT_AT: &str = "at";
    /// In a record of what was told: why it was refused for good; not there where it was sent.
    pub const SENT_REFUSED: &str = "refused";
    /// Everything that such a record has. The roles that write it can write nothing else, so that no order and no event can be
    /// made up in their name.
    pub const SENT_ATTRIBUTES: [&str; 4] = [PARTITION_KEY, SORT_KEY, SENT_AT, SENT_REFUSED];
}

/// Business metrics, published in CloudWatch's embedded metric format.
pub mod metric {
    /// The CloudWatch namespace.
    pub const NAMESPACE: &str = "OrderPipeline";
    /// The one dimension: the environment's suffix.
    pub const DIMENSION: &str = "Environment";
    /// Orders stored for the first time.
    pub const ORDERS_RECEIVED: &str = "OrdersReceived";
    /// Orders confirmed.
    pub const ORDERS_CONFIRMED: &str = "OrdersConfirmed";
    /// Orders that ended rejected, out of stock or with a declined payment.
    pub const ORDERS_REJECTED: &str = "OrdersRejected";
    /// Orders delivered and paid.
    pub const ORDERS_COMPLETED: &str = "OrdersCompleted";
    /// Orders cancelled.
    pub const ORDERS_CANCELLED: &str = "OrdersCancelled";
    /// Refunds given, whole or in part.
    pub const REFUNDS: &str = "Refunds";
    /// Messages that were moved to a dead-letter queue because they can never succeed.
    pub const ORDERS_FAILED: &str = "OrdersFailed";
    /// Requests that reused an order id with another body.
    pub const ORDER_CONFLICTS: &str = "OrderConflicts";
    /// Milliseconds from the API's acceptance to the confirmation.
    pub const TIME_TO_CONFIRMATION: &str = "TimeToConfirmation";
    /// Deliveries put back for a later retry.
    pub const RETRIES: &str = "Retries";
    /// Deliveries put back because something failed, of messages that have been tried for minutes.
    pub const RETRIED_FOR_LONG: &str = "RetriedForLong";
    /// Looks for orders that stopped moving, to their end.
    pub const SWEEPS: &str = "Sweeps";
    /// Orders that stopped moving and were put back on their queues.
    pub const ORDERS_BROUGHT_ON: &str = "OrdersBroughtOn";
    /// Orders that are due to be looked at and cannot be read.
    pub const ORDERS_UNREADABLE: &str = "OrdersUnreadable";
    /// Times that the payment gateway's circuit opened.
    pub const GATEWAY_CIRCUIT_OPENED: &str = "GatewayCircuitOpened";
    /// Webhooks that the payment gateway did not sign.
    pub const WEBHOOKS_REFUSED: &str = "WebhooksRefused";
    /// Notifications sent, to topics and over every channel.
    pub const NOTIFICATIONS_SENT: &str = "NotificationsSent";
    /// Notifications that will never be sent: a number, address or device that is refused for good.
    pub const NOTIFICATIONS_REFUSED: &str = "NotificationsRefused";
}
