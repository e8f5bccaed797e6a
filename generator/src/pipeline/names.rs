//! What the pipeline's parts are called, without the environment's suffix.

use order_domain::notification::Topic;
use order_domain::wiring::{Stage, variable};

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

    /// The function's environment variable that holds its name.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Orders => variable::ORDERS_TABLE,
            Self::Inventory => variable::INVENTORY_TABLE,
        }
    }
}

/// The topic that every alarm goes to, for people.
pub const ALARMS_TOPIC: &str = "alarms-topic";

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
