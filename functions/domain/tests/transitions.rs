//! No sequence of commands, repeated and reordered at will, moves an order backwards, asks for its money twice,
//! or leaves stock unaccounted for.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;

use order_domain::catalogue::{Product, price};
use order_domain::event::Occasion;
use order_domain::fingerprint::Fingerprint;
use order_domain::id::Sku;
use order_domain::money::{Currency, Money};
use order_domain::order::{Authorisation, Order, OrderStatus, PaymentStatus};
use order_domain::request::PlaceOrder;
use order_domain::time::Timestamp;
use order_domain::transition::{Change, Step, StockEffect, receive};
use order_domain::wiring::Stage;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Told {
    PlacedAgain { other: bool },
    Reserve,
    OutOfStock,
    Authorised,
    Declined,
}

fn told() -> impl Strategy<Value = Told> {
    prop_oneof![
        any::<bool>().prop_map(|other| Told::PlacedAgain { other }),
        Just(Told::Reserve),
        Just(Told::OutOfStock),
        Just(Told::Authorised),
        Just(Told::Declined),
    ]
}

fn occasion() -> Occasion {
    Occasion { at: Timestamp::from_unix_seconds(1_764_000_000).unwrap(), actor: Stage::Validate, cause: "m-1".into() }
}

fn request(quantity: u32) -> PlaceOrder {
    PlaceOrder::from_json(
        &r#"{"orderId":"ord-1","customerId":"cus-1","customer":{"name":"A","email":"a@b.cd"},
        "items":[{"sku":"TEA","quantity":1}],"currency":"GBP","payment":{"method":"pm_a"},
        "shippingAddress":{"line1":"1","city":"L","postcode":"L1","country":"GB"}}"#
            .replace("\"quantity\":1", &format!("\"quantity\":{quantity}")),
    )
    .unwrap()
}

fn received() -> Change {
    let sku = Sku::new("TEA").unwrap();
    let unit_price = Money::new(999, Currency::GBP);
    let tea = Product { sku: sku.clone(), name: "Tea".into(), unit_price, stock_shards: 1 };
    let request = request(1);
    let priced = price(&request, &BTreeMap::from([(sku, tea)]));
    receive(request, priced, occasion().at, &occasion())
}

fn obey(order: &Order, told: &Told) -> Step {
    match told {
        Told::PlacedAgain { other } => {
            order.placed_again(&Fingerprint::of(&request(if *other { 2 } else { 1 })), &occasion())
        }
        Told::Reserve => order.reserve(&[0], &occasion()),
        Told::OutOfStock => order.out_of_stock(Sku::new("TEA").unwrap(), &occasion()),
        Told::Authorised => {
            order.authorised(Authorisation { payment_intent: "pi_1".into(), capture_before: None }, &occasion())
        }
        Told::Declined => order.declined("generic_decline".into(), &occasion()),
    }
}

proptest! {
    #[test]
    fn any_sequence_of_commands_only_moves_forwards(sequence in prop::collection::vec(told(), 0..30)) {
        let first = received();
        prop_assert_eq!(first.replaces_version(), None);
        let mut order = first.into_order();
        let (mut reserved, mut released, mut asked_for_money) = (0, 0, 0);
        for told in &sequence {
            if let Step::Take(change) = obey(&order, told) {
                prop_assert_eq!(change.replaces_version(), Some(order.version));
                prop_assert_eq!(change.event().sequence, order.version + 1);
                prop_assert!(change.order().status >= order.status, "{} became {}", order.status, change.order().status);
                match change.stock() {
                    StockEffect::Reserve => reserved += 1,
                    StockEffect::Release => released += 1,
                    StockEffect::None => {}
                }
                if order.payment_status == PaymentStatus::None && change.order().payment_status != PaymentStatus::None {
                    asked_for_money += 1;
                }
                order = change.into_order();
            }
        }
        prop_assert!(asked_for_money <= 1);
        let holds_stock = matches!(order.status, OrderStatus::Reserved | OrderStatus::Confirmed);
        prop_assert_eq!(reserved - released, i32::from(holds_stock));
    }
}

#[test]
fn a_confirmed_order_refuses_nothing_and_repeats_nothing() {
    let reserved = match received().order().reserve(&[0], &occasion()) {
        Step::Take(change) => change.into_order(),
        other => panic!("{other:?}"),
    };
    let confirmed = match obey(&reserved, &Told::Authorised) {
        Step::Take(change) => change.into_order(),
        other => panic!("{other:?}"),
    };
    for told in [Told::Reserve, Told::OutOfStock, Told::Authorised, Told::Declined] {
        assert_eq!(obey(&confirmed, &told), Step::Already, "{told:?}");
    }
}

#[test]
fn money_is_refused_before_the_stock_is_reserved() {
    assert!(matches!(obey(received().order(), &Told::Authorised), Step::Refuse(_)));
    assert!(matches!(obey(received().order(), &Told::Declined), Step::Refuse(_)));
}

#[test]
fn another_body_under_the_same_id_is_recorded_once() {
    let order = received().into_order();
    let Step::Take(change) = obey(&order, &Told::PlacedAgain { other: true }) else { panic!("not recorded") };
    assert_eq!((change.order().status, &change.order().lines), (order.status, &order.lines));
    assert_eq!(obey(change.order(), &Told::PlacedAgain { other: true }), Step::Already);
}
