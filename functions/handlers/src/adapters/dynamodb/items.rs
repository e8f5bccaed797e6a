//! The tables' items: their keys and their form.
//!
//! | table     | pk             | sk                       | what                                  |
//! |-----------|----------------|--------------------------|---------------------------------------|
//! | orders    | `ORDER#<id>`   | `ORDER`                  | the order                             |
//! | orders    | `ORDER#<id>`   | `EVENT#<sequence>`       | an event, never changed               |
//! | orders    | `ORDER#<id>`   | `SENT#<sequence>#<to>`   | the notification record of a recipient |
//! | inventory | `SKU#<sku>`    | `PRODUCT`                | name and price                        |
//! | inventory | `SKU#<sku>`    | `STOCK#<shard>`          | free, reserved and sold units         |
//! | inventory | `SKU#<sku>`    | `RESERVATION#<order id>` | an order's reservation                |
//! | inventory | `RULES`        | `DELIVERY#<currency>`    | the delivery charge                   |

use order_contract::table;
use order_domain::event::Event;
use order_domain::id::{OrderId, Sku};
use order_domain::money::Currency;
use order_domain::order::Order;

use super::{Item, key, string};
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::NotificationKey;

/// Partitions of the index of open orders: enough for its writes, few enough to read them all.
pub(super) const OPEN_SHARDS: u64 = 8;

/// Digits of an event's number in its sort key, so that the keys sort as the numbers do.
const SEQUENCE_DIGITS: usize = 10;

/// The prefix of a notification record's sort key.
pub(super) const SENT_PREFIX: &str = "SENT#";

pub(super) fn order_key(id: &OrderId) -> Item {
    key(format!("ORDER#{id}"), "ORDER")
}

/// The order of an index's entry. An entry of anything else is logged and skipped, so that it delays no order.
pub(super) fn order_of(entry: &Item) -> Option<OrderId> {
    let key = entry.get(table::PARTITION_KEY).and_then(|key| key.as_s().ok());
    let id = key.and_then(|key| key.strip_prefix("ORDER#")).unwrap_or_default();
    OrderId::new(id).inspect_err(|error| tracing::error!(?key, %error, "an index of orders holds something else")).ok()
}

pub(super) fn event_key(id: &OrderId, sequence: u64) -> Item {
    key(format!("ORDER#{id}"), format!("{}{sequence:0SEQUENCE_DIGITS$}", table::EVENT_PREFIX))
}

pub(super) fn sent_key(sending: &NotificationKey) -> Item {
    let NotificationKey { order_id, sequence, recipient } = sending;
    key(format!("ORDER#{order_id}"), format!("{SENT_PREFIX}{sequence:0SEQUENCE_DIGITS$}#{}", recipient.name()))
}

pub(super) fn product_key(sku: &Sku) -> Item {
    key(format!("SKU#{sku}"), "PRODUCT")
}

pub(super) fn delivery_key(currency: Currency) -> Item {
    key("RULES".to_owned(), format!("DELIVERY#{currency}"))
}

pub(super) fn stock_key(sku: &Sku, shard: u16) -> Item {
    key(format!("SKU#{sku}"), format!("STOCK#{shard:05}"))
}

pub(super) fn reservation_key(sku: &Sku, order: &OrderId) -> Item {
    key(format!("SKU#{sku}"), format!("RESERVATION#{order}"))
}

/// An order with the keys of the indexes that it belongs to.
pub(super) fn order_item(order: &Order) -> Result<Item, Failure> {
    let mut item: Item = serde_dynamo::to_item(order)
        .map_err(|error| Failure::transient(format!("order {} has no stored form", order.order_id), error))?;
    item.extend(order_key(&order.order_id));
    item.insert(table::CUSTOMER_INDEX_SORT_KEY.into(), string(format!("{}#{}", order.created_at, order.order_id)));
    if let Some(check) = order.next_check_at() {
        let hash = order.order_id.as_str().bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(31) + u64::from(byte));
        item.insert(table::OPEN_ORDERS_INDEX_PARTITION_KEY.into(), string((hash % OPEN_SHARDS).to_string()));
        item.insert(table::OPEN_ORDERS_INDEX_SORT_KEY.into(), string(check.to_string()));
    }
    Ok(item)
}

pub(super) fn event_item(event: &Event) -> Result<Item, Failure> {
    let mut item: Item = serde_dynamo::to_item(event).map_err(|error| {
        Failure::transient(format!("event {} of order {} has no stored form", event.sequence, event.order_id), error)
    })?;
    item.extend(event_key(&event.order_id, event.sequence));
    Ok(item)
}

/// A stored item as its type. An item that cannot be read is a permanent failure: a person fixes it and redrives the
/// messages that need it.
pub(super) fn read<'a, T: serde::Deserialize<'a>>(item: Item, what: &str) -> Result<T, Failure> {
    serde_dynamo::from_item(item)
        .map_err(|error| Failure::permanent(DeadLetterReason::ItemUnreadable, format!("{what} cannot be read"), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_index_without_a_valid_order_is_skipped() {
        let entry = |key: &str| Item::from([(table::PARTITION_KEY.to_owned(), string(key))]);
        assert_eq!(order_of(&entry("ORDER#ord-1")), OrderId::new("ord-1").ok());
        for other in [entry("SKU#TEA"), entry("ORDER#not an id"), Item::new()] {
            assert_eq!(order_of(&other), None, "{other:?}");
        }
    }
}
