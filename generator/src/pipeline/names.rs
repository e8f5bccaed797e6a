//! What the pipeline's parts are called, without the environment's suffix.

use order_contract::mail_event::MailFate;
use order_contract::table::{self, TableLayout};
use order_contract::variable;
use order_domain::notification::Topic;
use order_domain::stage::Stage;

/// A queue of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// Feeds a stage.
    Work(Stage),
    /// Keeps what a stage can never process.
    DeadLetters(Stage),
}

impl Queue {
    /// E.g. `payment-queue`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Work(stage) => format!("{}-queue", stage.name()),
            Self::DeadLetters(stage) => format!("{}-dlq", stage.name()),
        }
    }
}

/// A table of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Orders, their events, and what was sent about them.
    Orders,
    /// Products, stock and reservations.
    Inventory,
}

impl Table {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Orders, Self::Inventory];

    /// E.g. `orders-table`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders-table",
            Self::Inventory => "inventory-table",
        }
    }

    /// Its keys and indexes.
    #[must_use]
    pub const fn layout(self) -> TableLayout {
        match self {
            Self::Orders => table::ORDERS,
            Self::Inventory => table::INVENTORY,
        }
    }

    /// The function's environment variable that holds its name.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Orders => variable::ORDERS_TABLE,
            Self::Inventory => variable::INVENTORY_TABLE,
        }
    }
}

/// A secret whose value a person puts: it never stands in the code, in a variable or in the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    /// The payment gateway's API key.
    PaymentKey,
    /// What the payment gateway signs its webhooks with.
    WebhookSigning,
}

impl Secret {
    /// Both.
    pub const ALL: [Self; 2] = [Self::PaymentKey, Self::WebhookSigning];

    /// E.g. `webhook-secret`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PaymentKey => "payment-gateway-secret",
            Self::WebhookSigning => "webhook-secret",
        }
    }

    /// What it holds, as part of a sentence.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::PaymentKey => "the payment gateway's API key",
            Self::WebhookSigning => "the key that the payment gateway signs its webhooks with",
        }
    }

    /// The output that gives its ARN, of the module and of an environment, e.g. `webhook_secret_arn`.
    #[must_use]
    pub fn output(self) -> String {
        self.variable().to_lowercase()
    }

    /// What the output gives.
    #[must_use]
    pub fn output_description(self) -> String {
        format!("ARN of the secret that holds {}, empty until a person puts it.", self.description())
    }

    /// The function's environment variable that holds its ARN.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::PaymentKey => variable::PAYMENT_SECRET_ARN,
            Self::WebhookSigning => variable::WEBHOOK_SECRET_ARN,
        }
    }
}

/// The topic that every alarm goes to, for people.
pub const ALARMS_TOPIC: &str = "alarms-topic";

/// The SES configuration set that e-mails are sent with.
pub const MAIL_CONFIGURATION_SET: &str = "mail-configuration-set";
/// Its event destination: SES sends its reports about them to EventBridge.
pub const MAIL_EVENTS: &str = "mail-events";

/// The EventBridge rule that forwards SES's reports of a fate, e.g. `mail-not-taken-rule`.
#[must_use]
pub fn mail_rule(fate: MailFate) -> String {
    format!("mail-{}-rule", fate.name().to_lowercase().replace('_', "-"))
}

/// The name of a topic for other systems, e.g. `payment-status-topic`.
#[must_use]
pub fn topic(topic: Topic) -> String {
    format!("{}-topic", topic.name())
}

/// The name of a stage's function, e.g. `payment-function`.
#[must_use]
pub fn function(stage: Stage) -> String {
    format!("{}-function", stage.name())
}
