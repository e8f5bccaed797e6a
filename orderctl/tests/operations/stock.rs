//! Stock commands, alone and concurrent with orders.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use futures::future::join_all;
use order_domain::catalogue::Product;
use order_domain::id::Sku;
use order_domain::money::{Currency, Money};
use order_domain::stock::StockLevel;
use order_handlers::adapters::dynamodb::catalogue::{put_product, stock_level};
use order_handlers::adapters::dynamodb::warehouse::Warehouse;
use orderctl::stock::{Forecast, Imported, Shelf, StockError, forecast, import, parse};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use crate::pipeline::{Item, Pipeline};

fn tea(stock_shards: u16) -> Product {
    let unit_price = Money::new(749, Currency::GBP);
    Product {
        sku: Sku::new("TEA").unwrap(),
        name: "Tea".into(),
        unit_price,
        stock_shards,
        vat_rate: order_domain::charges::VatRate::Standard,
    }
}

fn level(free: u64, reserved: u64, sold: u64) -> StockLevel {
    StockLevel { free, reserved, sold }
}

struct Shop {
    pipeline: Pipeline,
    shelf: Shelf,
    warehouse: Warehouse,
}

impl Shop {
    async fn open() -> Self {
        let pipeline = Pipeline::start().await;
        let shelf = Shelf::of(&pipeline.deployed);
        let warehouse = Warehouse::new(pipeline.dynamodb.clone(), &pipeline.connection.inventory_table);
        Self { pipeline, shelf, warehouse }
    }

    fn table(&self) -> &str {
        &self.pipeline.connection.inventory_table
    }

    async fn put(&self, product: &Product, units: u64) {
        put_product(&self.pipeline.dynamodb, self.table(), product, units).await.unwrap();
    }

    async fn level(&self, product: &Product) -> StockLevel {
        stock_level(&self.pipeline.dynamodb, self.table(), product).await.unwrap()
    }

    async fn shards(&self, product: &Product) -> Vec<(u16, StockLevel)> {
        let shards = self.warehouse.shards(&product.sku).await.unwrap();
        shards.into_iter().map(|stored| (stored.shard, stored.level)).collect()
    }

    /// Reserves one unit as an order does, from any shard with a free unit.
    async fn reserve(&self, product: &Product) -> bool {
        for _ in 0..200 {
            let with = self.shards(product).await.into_iter().find(|(_, level)| level.free > 0);
            let Some((shard, _)) = with else { return false };
            if self
                .change(product, shard, "SET #free = #free - :one, #reserved = #reserved + :one", "#free >= :one")
                .await
            {
                return true;
            }
        }
        panic!("200 attempts did not reserve a unit");
    }

    async fn change(&self, product: &Product, shard: u16, expression: &str, condition: &str) -> bool {
        let key = [("pk", format!("SKU#{}", product.sku)), ("sk", format!("STOCK#{shard:05}"))];
        let update = Update::builder()
            .table_name(self.table())
            .set_key(Some(key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).into()))
            .update_expression(expression)
            .condition_expression(condition)
            .expression_attribute_names("#free", "free")
            .expression_attribute_names("#reserved", "reserved")
            .expression_attribute_values(":one", AttributeValue::N("1".into()))
            .build()
            .unwrap();
        let item = TransactWriteItem::builder().update(update).build();
        self.pipeline.dynamodb.transact_write_items().transact_items(item).send().await.is_ok()
    }
}

#[tokio::test]
async fn setting_stock_changes_only_free_units() {
    let shop = Shop::open().await;
    let product = tea(2);
    shop.put(&product, 5).await;
    assert!(shop.reserve(&product).await && shop.reserve(&product).await);
    let counted = shop.shelf.set(&product.sku, 9, None).await.unwrap();
    assert_eq!((counted.level, counted.shards.len()), (level(9, 2, 0), 2));
    // Putting the product on sale again also sets its stock: a regression lost the reserved units.
    shop.put(&Product { name: "Better tea".into(), ..product.clone() }, 4).await;
    assert_eq!(shop.level(&product).await, level(4, 2, 0));
    assert_eq!(shop.shelf.one(&product.sku).await.unwrap().unwrap().product.name, "Better tea");
    shop.pipeline.stop().await;
}

#[tokio::test]
async fn added_units_increase_the_free_units() {
    let shop = Shop::open().await;
    let product = tea(4);
    shop.put(&product, 5).await;
    assert!(shop.reserve(&product).await);
    assert_eq!(shop.shelf.add(&product.sku, 6).await.unwrap().level, level(10, 1, 0));
    let error = shop.shelf.add(&product.sku, 1_000_000_000).await.unwrap_err();
    assert!(matches!(error, StockError::TooMany { free: 10, .. }), "{error}");
    let unknown = Sku::new("NONE").unwrap();
    assert!(matches!(shop.shelf.add(&unknown, 1).await, Err(StockError::UnknownSku { .. })));
    assert!(matches!(shop.shelf.set(&unknown, 1, None).await, Err(StockError::UnknownSku { .. })));
    assert_eq!(shop.shards(&tea(4)).await.iter().map(|(_, level)| level.free).sum::<u64>(), 10);
    shop.pipeline.stop().await;
}

#[tokio::test]
async fn changing_the_number_of_shards_beside_orders_loses_no_unit() {
    let shop = Shop::open().await;
    let product = tea(1);
    shop.put(&product, 200).await;
    let orders = join_all((0..60).map(|_| shop.reserve(&product)));
    let spread = async {
        shop.warehouse.spread(&product.sku, 4).await.unwrap();
        let grown = shop.shards(&product).await.len();
        shop.warehouse.spread(&product.sku, 2).await.unwrap();
        grown
    };
    let (orders, grown) = tokio::join!(orders, spread);
    assert!(orders.into_iter().all(|reserved| reserved));
    assert_eq!(grown, 4);
    assert_eq!(shop.level(&product).await, level(140, 60, 0));
    // A shard above the number exists only while it has reserved units, and it has no free ones.
    for (shard, level) in shop.shards(&product).await {
        assert!(shard < 2 || (level.free == 0 && level.reserved > 0), "{shard}: {level:?}");
    }
    shop.pipeline.stop().await;
}

#[tokio::test]
async fn empty_shards_are_removed_and_their_units_stay() {
    let shop = Shop::open().await;
    let product = tea(4);
    shop.put(&product, 10).await;
    let counted = shop.shelf.set(&product.sku, 10, Some(1)).await.unwrap();
    assert_eq!((counted.level, counted.shards.len(), counted.product.stock_shards), (level(10, 0, 0), 1, 1));
    let counted = shop.shelf.set(&product.sku, 10, Some(3)).await.unwrap();
    assert_eq!(counted.shards.iter().map(|shard| shard.level.free).collect::<Vec<_>>(), [4, 3, 3]);
    shop.pipeline.stop().await;
}

#[tokio::test]
async fn setting_stock_beside_orders_loses_no_reservation() {
    let shop = Shop::open().await;
    let product = tea(2);
    shop.put(&product, 1000).await;
    let orders = join_all((0..40).map(|_| shop.reserve(&product)));
    let counts = async {
        for units in [500, 700, 900] {
            shop.shelf.set(&product.sku, units, None).await.unwrap();
        }
    };
    let (orders, ()) = tokio::join!(orders, counts);
    assert!(orders.into_iter().all(|reserved| reserved));
    let level = shop.level(&product).await;
    assert_eq!(level.reserved, 40);
    assert!((860..=900).contains(&level.free), "{level:?}");
    shop.pipeline.stop().await;
}

const SHEET: &str = "sku,name,unit_price_minor,currency,vat_percent,units,shards\n\
    TEA,Black tea,800,GBP,20,20,3\nMUG,Mug,1250,GBP,20,7,1\n";

#[tokio::test]
async fn an_import_sets_products_and_free_units_and_can_be_repeated() {
    let shop = Shop::open().await;
    shop.put(&tea(1), 5).await;
    assert!(shop.reserve(&tea(1)).await);
    // Another part of the system wrote an attribute that the sheet does not have.
    let key = [("pk", "SKU#TEA"), ("sk", "PRODUCT")];
    let key: Item = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))).into();
    let dynamodb = &shop.pipeline.dynamodb;
    let note = dynamodb.update_item().table_name(shop.table()).set_key(Some(key.clone()));
    let note = note
        .update_expression("SET supplier = :supplier")
        .expression_attribute_values(":supplier", AttributeValue::S("SUP-1".into()));
    note.send().await.unwrap();

    let rows = parse(SHEET.as_bytes()).unwrap();
    let before = forecast(&shop.shelf, &rows).await.unwrap();
    assert_eq!(before, Forecast { new: 1, changed: 1, unchanged: 0 });
    for _ in 0..2 {
        let imported = import(&shop.shelf, &rows, Progress::silent(), &Cancel::new()).await.unwrap();
        assert_eq!(imported, Imported { rows: 2, of: 2, interrupted: false });
        let all = shop.shelf.all().await.unwrap();
        let seen: Vec<_> = all.iter().map(|counted| (counted.product.sku.as_str(), counted.level)).collect();
        assert_eq!(seen, [("MUG", level(7, 0, 0)), ("TEA", level(20, 1, 0))]);
        assert_eq!((all[1].product.name.as_str(), all[1].product.stock_shards), ("Black tea", 3));
    }
    assert_eq!(forecast(&shop.shelf, &rows).await.unwrap(), Forecast { new: 0, changed: 0, unchanged: 2 });
    let stored = dynamodb.get_item().table_name(shop.table()).set_key(Some(key)).send().await.unwrap().item.unwrap();
    assert_eq!(stored["supplier"].as_s().unwrap(), "SUP-1");
    shop.pipeline.stop().await;
}

#[tokio::test]
async fn an_interrupted_import_says_so_and_the_next_one_completes_it() {
    let shop = Shop::open().await;
    let rows = parse(SHEET.as_bytes()).unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let stopped = import(&shop.shelf, &rows, Progress::silent(), &cancel).await.unwrap();
    assert_eq!(stopped, Imported { rows: 0, of: 2, interrupted: true });
    import(&shop.shelf, &rows, Progress::silent(), &Cancel::new()).await.unwrap();
    assert_eq!(shop.shelf.all().await.unwrap().len(), 2);
    shop.pipeline.stop().await;
}
