//! What IAM cannot enforce and the code must: without this section the page would promise too much.

use super::role::{Permission, Role};
use crate::pipeline::{Table, TableAction};

/// The section.
pub(super) fn section(roles: &[Role]) -> String {
    let put = |bounded: bool| {
        names(roles, |it| may(it, TableAction::PutItem) && it.conditions.is_empty() != bounded, "no role")
    };
    let changers = names(roles, |it| may(it, TableAction::UpdateItem), "no role");
    let deleters = names(roles, |it| may(it, TableAction::DeleteItem), "No role");
    format!(
        "\n## What IAM cannot express\n\n\
         `PutItem` replaces the item that has the same keys, and IAM tells the items of a table apart by their partition key\n\
         only: whoever may write one of an order's items may write every one of them, its events too. What keeps an event from\n\
         being overwritten is the code:\n\n\
         - {} write orders and events without a bound.\n  \
           The condition `attribute_not_exists(pk)` on every event, and the one on the order's version, refuse to replace one\n  \
           (`functions/handlers/src/adapters/dynamodb/orders.rs`).\n\
         - {} can write the attributes of a notification's record and no other:\n  \
           neither can make up an order or an event. Under the keys of one the record would still replace it; that its sort key\n  \
           begins with `SENT#` is also ensured by the code (`sent_key` in `items.rs` beside that file).\n\n\
         {deleters} may delete from the orders table (`DeleteItem`, `BatchWriteItem`), and {changers} alone may change an item\n\
         in place: when an order is checked next. What a mistake in the code overwrites all the same, the table's\n\
         point-in-time recovery still has.\n",
        put(false),
        put(true),
    )
}

/// Whether it permits the action on the orders.
fn may(permission: &Permission, action: TableAction) -> bool {
    let batch = "dynamodb:BatchWriteItem";
    let named = |it: &String| it == action.name() || (action == TableAction::DeleteItem && it == batch);
    permission.resources.iter().any(|resource| resource == Table::Orders.name()) && permission.actions.iter().any(named)
}

/// The roles that have such a permission, as part of a sentence.
fn names(roles: &[Role], wanted: impl Fn(&Permission) -> bool, nobody: &str) -> String {
    let found: Vec<_> =
        roles.iter().filter(|role| role.permissions.iter().any(&wanted)).map(|role| &role.name).collect();
    match found.as_slice() {
        [] => nobody.to_owned(),
        [one] => format!("`{one}`"),
        [others @ .., last] => {
            let others: Vec<_> = others.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", others.join(", "))
        }
    }
}
