//! What travels between stages: thin messages. The table is the authority.

use serde::{Deserialize, Serialize};

use crate::id::OrderId;

/// What a stage is asked to do with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CommandName {
    /// Reserve the stock of every line.
    ReserveStock,
    /// Authorise the payment.
    AuthorisePayment,
}

/// A message from one stage to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    /// The order.
    pub order_id: OrderId,
    /// What to do with it.
    pub command: CommandName,
}

impl Command {
    /// Asks for the order's stock to be reserved.
    #[must_use]
    pub const fn reserve_stock(order_id: OrderId) -> Self {
        Self { order_id, command: CommandName::ReserveStock }
    }

    /// Asks for the order's payment to be authorised.
    #[must_use]
    pub const fn authorise_payment(order_id: OrderId) -> Self {
        Self { order_id, command: CommandName::AuthorisePayment }
    }
}
