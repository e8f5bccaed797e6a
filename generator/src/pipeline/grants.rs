//! What a stage may do, in the pipeline's own words; `modules/functions/role.rs` makes IAM statements of it.

use order_domain::notification::Topic;

use super::names::{Secret, Table};

/// A permission of a stage, beside those that follow from its source and from where it forwards to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Grant {
    /// These actions on a table's items. A transaction is authorised by the actions of its items.
    Table(Table, &'static [TableAction]),
    /// Changing these attributes of a table's items, and no other.
    ChangeAttributes(Table, &'static [&'static str]),
    /// Writing items that have these attributes, and no other, into a table: an item of another kind cannot be made up. A
    /// write under the keys of one would still replace it, which IAM cannot tell apart.
    PutAttributes(Table, &'static [&'static str]),
    /// Querying an index of a table.
    Index(Table, &'static str),
    /// Reading a table's stream.
    Stream(Table),
    /// Publishing to a topic.
    Publish(Topic),
    /// Sending SMS to customers' own numbers, where the environment allows it.
    TextCustomers,
    /// Sending e-mail to customers, from the environment's own address, where it has one.
    EmailCustomers,
    /// Sending push notifications to customers' devices, where the environment allows it.
    PushToCustomers,
    /// Reading a secret's value.
    Secret(Secret),
}

impl Grant {
    /// Whether it permits a way to customers.
    #[must_use]
    pub const fn is_channel(self) -> bool {
        matches!(self, Self::TextCustomers | Self::EmailCustomers | Self::PushToCustomers)
    }
}

/// A DynamoDB action on items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableAction {
    /// Reads one item.
    GetItem,
    /// Reads up to a hundred items at once.
    BatchGetItem,
    /// Reads a partition's items in order.
    Query,
    /// Writes an item.
    PutItem,
    /// Changes an item.
    UpdateItem,
    /// Deletes an item.
    DeleteItem,
}

impl TableAction {
    /// The action's name in IAM.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GetItem => "dynamodb:GetItem",
            Self::BatchGetItem => "dynamodb:BatchGetItem",
            Self::Query => "dynamodb:Query",
            Self::PutItem => "dynamodb:PutItem",
            Self::UpdateItem => "dynamodb:UpdateItem",
            Self::DeleteItem => "dynamodb:DeleteItem",
        }
    }
}
