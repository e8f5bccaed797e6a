//! Orders as the stages left them some time ago, before the message to the next stage was lost. The stages' own transitions
//! make them, at that time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use order_domain::catalogue::price;
use order_domain::event::{Cause, CommandContext};
use order_domain::money::Currency;
use order_domain::order::{Authorisation, Order};
use order_domain::request::PlaceOrder;
use order_domain::stage::Stage;
use order_domain::stock::StockPart;
use order_domain::time::Timestamp;
use order_domain::transition::{Change, Decision, receive};
use order_handlers::adapters::dynamodb::DynamoDb;
use order_handlers::ports::{Catalogue as _, Committed, Orders as _};
use serde_json::Value;

use crate::shop::Shop;

/// An order that stands where a stage left it.
pub struct Aged {
    order: Order,
    at: Timestamp,
    tables: DynamoDb,
}

impl Aged {
    /// Stored by validate that long ago. Its products lie in one shard each.
    pub async fn validated(shop: &Shop, order: &Value, ago: Duration) -> Self {
        let connection = &shop.connection;
        let tables = DynamoDb::new(shop.dynamodb.clone(), &connection.orders_table, &connection.inventory_table);
        let request = PlaceOrder::from_json(&order.to_string()).unwrap();
        let skus: BTreeSet<_> = request.items.iter().map(|item| item.sku.clone()).collect();
        let prices = tables.price_list(&skus, &BTreeSet::from([Currency::GBP])).await.unwrap();
        assert_eq!(prices.readable.delivery, BTreeMap::new());
        let ago = i64::try_from(ago.as_millis()).unwrap();
        let at = Timestamp::from_unix_milliseconds(Timestamp::now().unix_milliseconds() - ago).unwrap();
        let priced = price(&request, prices.of(&request).unwrap());
        let change = receive(request, priced, at, &context(at, Stage::Validate));
        let order = commit(&tables, change).await;
        Self { order, at, tables }
    }

    /// Then reserved by inventory.
    pub async fn reserved(self) -> Self {
        let parts = self.order.lines.iter().map(|line| vec![StockPart { shard: 0, quantity: line.quantity }]);
        let step = self.order.reserve(&parts.collect::<Vec<_>>(), &context(self.at, Stage::Inventory));
        self.take(step).await
    }

    /// Then confirmed by payment, with this authorisation.
    pub async fn confirmed(self, authorisation: Authorisation) -> Self {
        let step = self.order.authorised(authorisation, &context(self.at, Stage::Payment));
        self.take(step).await
    }

    async fn take(self, step: Decision) -> Self {
        let Decision::Apply(change) = step else { panic!("{step:?} of {:?}", self.order) };
        Self { order: commit(&self.tables, *change).await, ..self }
    }
}

fn context(at: Timestamp, actor: Stage) -> CommandContext {
    CommandContext { at, actor, cause: Cause::PlaceOrder, message_id: "a message that was lost".into() }
}

async fn commit(tables: &DynamoDb, change: Change) -> Order {
    assert_eq!(tables.commit(&change).await.unwrap(), Committed::Done);
    change.into_order()
}
