//! Keys and indexes of the two tables. The generator writes Terraform from the layouts, and tests create their tables from
//! them, so that a test's table refuses what the real table refuses.

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
/// In a notification record: the time.
pub const SENT_AT: &str = "at";
/// In a notification record: why it was refused for good; absent if the notification was sent.
pub const SENT_REFUSED: &str = "refused";
/// Everything that such a record has. The roles that write it can write nothing else, so that no order and no event can be
/// made up in their name.
pub const SENT_ATTRIBUTES: [&str; 4] = [PARTITION_KEY, SORT_KEY, SENT_AT, SENT_REFUSED];

/// The attributes in a list of a customer's orders; all others are read from the order itself.
const CUSTOMER_INDEX_ATTRIBUTES: [&str; 6] =
    ["orderId", "status", "paymentStatus", "shipmentStatus", "total", "createdAt"];

/// Keys and indexes of a table. Every key attribute is a string: an item that has one with another type, NULL included, is
/// refused by DynamoDB. An item without an index's key is stored and is not in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLayout {
    /// Attribute of the partition key.
    pub partition_key: &'static str,
    /// Attribute of the sort key.
    pub sort_key: &'static str,
    /// Global secondary indexes.
    pub indexes: &'static [IndexLayout],
}

/// A global secondary index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexLayout {
    /// Its name.
    pub name: &'static str,
    /// Attribute of its partition key.
    pub partition_key: &'static str,
    /// Attribute of its sort key.
    pub sort_key: &'static str,
    /// The attributes of an entry.
    pub projection: Projection,
}

/// The attributes of an index's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projection {
    /// The keys of the table and of the index.
    KeysOnly,
    /// The keys, and these attributes.
    Include(&'static [&'static str]),
}

/// The orders table: orders, their events, and the records of notifications and of recoveries.
pub const ORDERS: TableLayout = TableLayout {
    partition_key: PARTITION_KEY,
    sort_key: SORT_KEY,
    indexes: &[
        IndexLayout {
            name: CUSTOMER_INDEX,
            partition_key: CUSTOMER_INDEX_PARTITION_KEY,
            sort_key: CUSTOMER_INDEX_SORT_KEY,
            projection: Projection::Include(&CUSTOMER_INDEX_ATTRIBUTES),
        },
        IndexLayout {
            name: OPEN_ORDERS_INDEX,
            partition_key: OPEN_ORDERS_INDEX_PARTITION_KEY,
            sort_key: OPEN_ORDERS_INDEX_SORT_KEY,
            projection: Projection::KeysOnly,
        },
    ],
};

/// The inventory table: products, stock and reservations.
pub const INVENTORY: TableLayout = TableLayout { partition_key: PARTITION_KEY, sort_key: SORT_KEY, indexes: &[] };

impl TableLayout {
    /// The attributes that a key uses, each a string: the table's first, then those of the indexes.
    pub fn key_attributes(&self) -> impl Iterator<Item = &'static str> {
        [self.partition_key, self.sort_key]
            .into_iter()
            .chain(self.indexes.iter().flat_map(|index| [index.partition_key, index.sort_key]))
    }
}
