//! Keys and indexes of the two tables.

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
