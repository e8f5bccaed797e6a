//! `modules/table`: the orders with their history, and the inventory.

use order_contract::table::{IndexLayout, Projection};

use super::environment_suffix;
use crate::aws::DynamodbTable;
use crate::aws::dynamodb_table::{
    Attribute, DynamodbTableArguments, GlobalSecondaryIndex, GlobalSecondaryIndexArguments, PointInTimeRecovery,
    ServerSideEncryption,
};
use crate::naming::{logical, suffixed};
use crate::pipeline::Table;
use crate::terraform::kind::{Map, Text};
use crate::terraform::{Expression, Module, Output};

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
            // The outbox: nothing is published that is not committed.
            .stream_enabled(true)
            .stream_view_type("NEW_IMAGE"),
    );
    let inventory = module.add(&logical(Table::Inventory.name()), table(Table::Inventory, &suffix));

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

/// What both tables have in common: their layout comes from the contract.
fn table(table: Table, suffix: &Expression<Text>) -> DynamodbTableArguments {
    let layout = table.layout();
    let arguments = DynamodbTable { name: suffixed(table.name(), suffix) }
        .billing_mode("PAY_PER_REQUEST")
        .hash_key(layout.partition_key)
        .range_key(layout.sort_key)
        .point_in_time_recovery(PointInTimeRecovery { enabled: true })
        .server_side_encryption(ServerSideEncryption { enabled: true })
        // An environment is destroyed as a whole, with its table; what must outlive it is restored from a backup.
        .deletion_protection_enabled(false)
        .attribute(layout.key_attributes().map(|name| Attribute { name, r#type: "S" }).collect::<Vec<_>>());
    if layout.indexes.is_empty() {
        return arguments;
    }
    arguments.global_secondary_index(layout.indexes.iter().map(index).collect::<Vec<_>>())
}

fn index(layout: &IndexLayout) -> GlobalSecondaryIndexArguments {
    let (projection_type, included) = match layout.projection {
        Projection::KeysOnly => ("KEYS_ONLY", None),
        Projection::Include(attributes) => ("INCLUDE", Some(attributes)),
    };
    let index = GlobalSecondaryIndex { name: layout.name, hash_key: layout.partition_key, projection_type }
        .range_key(layout.sort_key);
    match included {
        Some(attributes) => index.non_key_attributes(attributes.to_vec()),
        None => index,
    }
}
