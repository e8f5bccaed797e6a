//! `modules/table`: the orders with their history, and the inventory.

use order_contract::table::{
    CUSTOMER_INDEX, CUSTOMER_INDEX_PARTITION_KEY, CUSTOMER_INDEX_SORT_KEY, OPEN_ORDERS_INDEX,
    OPEN_ORDERS_INDEX_PARTITION_KEY, OPEN_ORDERS_INDEX_SORT_KEY, PARTITION_KEY, SORT_KEY,
};

use super::environment_suffix;
use crate::aws::DynamodbTable;
use crate::aws::dynamodb_table::{
    Attribute, DynamodbTableArguments, GlobalSecondaryIndex, PointInTimeRecovery, ServerSideEncryption,
};
use crate::naming::{logical, suffixed};
use crate::pipeline::Table;
use crate::terraform::kind::{Map, Text};
use crate::terraform::{Expression, Module, Output};

/// What a list of a customer's orders shows; everything else is read from the order itself.
const CUSTOMER_INDEX_ATTRIBUTES: [&str; 6] =
    ["orderId", "status", "paymentStatus", "shipmentStatus", "total", "createdAt"];

/// The module with its inputs and outputs.
pub struct Tables {
    /// The module.
    pub module: Module,
    /// Full name of each table, by its name without the suffix.
    pub table_names: Output<Map<Text>>,
    /// ARN of each table, by its name without the suffix.
    pub table_arns: Output<Map<Text>>,
    /// ARN of the stream of committed order items.
    pub orders_stream_arn: Output<Text>,
}

/// The module of the pipeline's tables.
#[must_use]
pub fn define() -> Tables {
    let mut module = Module::new("table", "The orders with their whole history, and the inventory.");
    let suffix = module.variable(&environment_suffix());

    let orders = module.add(
        &logical(Table::Orders.name()),
        table(Table::Orders, &suffix)
            .attribute(key_attributes(&[
                PARTITION_KEY,
                SORT_KEY,
                CUSTOMER_INDEX_PARTITION_KEY,
                CUSTOMER_INDEX_SORT_KEY,
                OPEN_ORDERS_INDEX_PARTITION_KEY,
                OPEN_ORDERS_INDEX_SORT_KEY,
            ]))
            .global_secondary_index([
                GlobalSecondaryIndex {
                    name: CUSTOMER_INDEX,
                    hash_key: CUSTOMER_INDEX_PARTITION_KEY,
                    projection_type: "INCLUDE",
                }
                .range_key(CUSTOMER_INDEX_SORT_KEY)
                .non_key_attributes(CUSTOMER_INDEX_ATTRIBUTES),
                GlobalSecondaryIndex {
                    name: OPEN_ORDERS_INDEX,
                    hash_key: OPEN_ORDERS_INDEX_PARTITION_KEY,
                    projection_type: "KEYS_ONLY",
                }
                .range_key(OPEN_ORDERS_INDEX_SORT_KEY),
            ])
            // The outbox: nothing is published that is not committed.
            .stream_enabled(true)
            .stream_view_type("NEW_IMAGE"),
    );
    let inventory = module.add(
        &logical(Table::Inventory.name()),
        table(Table::Inventory, &suffix).attribute(key_attributes(&[PARTITION_KEY, SORT_KEY])),
    );

    Tables {
        table_names: module.output(
            "table_names",
            "Full name of each table, by its name without the suffix.",
            [(Table::Orders.name(), orders.name()), (Table::Inventory.name(), inventory.name())],
        ),
        table_arns: module.output(
            "table_arns",
            "ARN of each table, by its name without the suffix.",
            [(Table::Orders.name(), orders.arn()), (Table::Inventory.name(), inventory.arn())],
        ),
        orders_stream_arn: module.output(
            "orders_stream_arn",
            "ARN of the stream of the items that were committed to the orders table.",
            orders.stream_arn(),
        ),
        module,
    }
}

/// What both tables have in common.
fn table(table: Table, suffix: &Expression<Text>) -> DynamodbTableArguments {
    DynamodbTable { name: suffixed(table.name(), suffix) }
        .billing_mode("PAY_PER_REQUEST")
        .hash_key(PARTITION_KEY)
        .range_key(SORT_KEY)
        .point_in_time_recovery(PointInTimeRecovery { enabled: true })
        .server_side_encryption(ServerSideEncryption { enabled: true })
        // An environment is destroyed as a whole, with its table; what must outlive it is restored from a backup.
        .deletion_protection_enabled(false)
}

fn key_attributes(names: &[&'static str]) -> Vec<Attribute<&'static str, &'static str>> {
    names.iter().map(|name| Attribute { name: *name, r#type: "S" }).collect()
}
