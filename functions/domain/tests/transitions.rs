//! No sequence of commands, repeated and reordered at will, moves an order backwards, asks for its money twice,
//! or leaves stock unaccounted for.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::time::Duration;

use order_domain::catalogue::{PriceList, Product, price};
use order_domain::charges::VatRate;
use order_domain::event::{Cause, CommandContext};
use order_domain::fingerprint::Fingerprint;
use order_domain::id::Sku;
use order_domain::money::{Currency, Money};
use order_domain::order::{
    Authorisation, CancellationReason, Order, OrderStatus, PaymentStatus, Shipment, ShipmentStatus,
};
use order_domain::request::PlaceOrder;
use order_domain::stage::Stage;
use order_domain::stock::StockPart;
use order_domain::time::Timestamp;
use order_domain::transition::overdue::SHORTEST_AUTHORISATION;
use order_domain::transition::{Change, Decision, MoneyDue, StockEffect, receive};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

#[derive(Debug, Clone)]
enum NotificationRecord {
    PlacedAgain { other: bool },
    Reserve,
    OutOfStock,
    Authorised,
    Declined,
    Cancelled,
    Dispatched,
    Delivered,
    Returned(Option<u64>),
    Captured,
    AuthorisedAnew,
    Voided,
    Refunded,
    NothingHeld,
    Expired,
    HoldLost,
    NeedsAttention,
}

/// Steps that move an order forward are drawn more often than steps that end it: with equal weights, only one sequence in a
/// hundred would complete an order.
fn told() -> impl Strategy<Value = NotificationRecord> {
    prop_oneof![
        1 => any::<bool>().prop_map(|other| NotificationRecord::PlacedAgain { other }),
        6 => Just(NotificationRecord::Reserve),
        1 => Just(NotificationRecord::OutOfStock),
        6 => Just(NotificationRecord::Authorised),
        1 => Just(NotificationRecord::Declined),
        1 => Just(NotificationRecord::Cancelled),
        4 => Just(NotificationRecord::Dispatched),
        4 => Just(NotificationRecord::Delivered),
        2 => prop::option::of(0..2000_u64).prop_map(NotificationRecord::Returned),
        4 => Just(NotificationRecord::Captured),
        2 => Just(NotificationRecord::AuthorisedAnew),
        2 => Just(NotificationRecord::Voided),
        3 => Just(NotificationRecord::Refunded),
        1 => Just(NotificationRecord::NothingHeld),
        1 => Just(NotificationRecord::Expired),
        1 => Just(NotificationRecord::HoldLost),
        1 => Just(NotificationRecord::NeedsAttention),
    ]
}

fn sequence() -> impl Strategy<Value = Vec<NotificationRecord>> {
    prop::collection::vec(told(), 0..60)
}

fn context() -> CommandContext {
    CommandContext {
        at: Timestamp::from_unix_seconds(1_764_000_000).unwrap(),
        actor: Stage::Validate,
        cause: Cause::PlaceOrder,
        message_id: "m-1".into(),
    }
}

/// A time when every reservation and every authorisation has expired.
fn late() -> CommandContext {
    CommandContext { at: context().at.after(Duration::from_secs(8 * 24 * 60 * 60)), ..context() }
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
    let tea =
        Product { sku: sku.clone(), name: "Tea".into(), unit_price, stock_shards: 1, vat_rate: VatRate::Standard };
    let request = request(1);
    let priced = price(&request, &PriceList { products: BTreeMap::from([(sku, tea)]), delivery: BTreeMap::new() });
    receive(request, priced, context().at, &context())
}

fn authorisation(attempt: u32) -> Authorisation {
    let expires_at = context().at.after(Duration::from_secs(7 * 24 * 60 * 60));
    Authorisation { payment_intent: format!("pi_{attempt}"), attempt, capture_before: Some(expires_at) }
}

fn obey(order: &Order, told: &NotificationRecord) -> Decision {
    match told {
        NotificationRecord::PlacedAgain { other } => {
            order.placed_again(&Fingerprint::of(&request(if *other { 2 } else { 1 })), &context())
        }
        NotificationRecord::Reserve => order.reserve(&[vec![StockPart { shard: 0, quantity: 1 }]], &context()),
        NotificationRecord::OutOfStock => order.out_of_stock(Sku::new("TEA").unwrap(), &context()),
        NotificationRecord::Authorised => order.authorised(authorisation(1), &context()),
        NotificationRecord::Declined => order.declined("generic_decline".into(), &context()),
        NotificationRecord::Cancelled => order.cancelled(CancellationReason::CustomerRequest, &context()),
        NotificationRecord::Dispatched => {
            order.dispatched(Shipment { carrier: "Post".into(), tracking_number: "1".into() }, &context())
        }
        NotificationRecord::Delivered => order.delivered(&context()),
        NotificationRecord::Returned(refund) => order.returned(*refund, &context()),
        NotificationRecord::Captured => order.captured(&context()),
        NotificationRecord::AuthorisedAnew => order.reauthorised(authorisation(2), &late()),
        NotificationRecord::Voided => order.voided(&context()),
        NotificationRecord::Refunded => match order.money_due() {
            Some(MoneyDue::Refund(amount)) => order.refunded(order.refunded + amount, &context()),
            _ => order.refunded(1, &context()),
        },
        NotificationRecord::NothingHeld => order.nothing_authorised(&context()),
        NotificationRecord::Expired => order.expired(&late()),
        NotificationRecord::HoldLost => order.authorisation_expired("expired_card".into(), &late()),
        NotificationRecord::NeedsAttention => order.needs_attention("MONEY_LOST", &context()),
    }
}

/// How far each machine is; a step may only go up.
fn distance(order: &Order) -> (u8, u8, u8) {
    let payment = match order.payment_status {
        PaymentStatus::None => 0,
        PaymentStatus::Authorised => 1,
        PaymentStatus::Captured | PaymentStatus::Declined | PaymentStatus::Voided => 2,
        PaymentStatus::Refunded => 3,
    };
    let shipment = match order.shipment_status {
        ShipmentStatus::None => 0,
        ShipmentStatus::Dispatched => 1,
        ShipmentStatus::Delivered => 2,
        ShipmentStatus::Returned => 3,
    };
    let status = match order.status {
        OrderStatus::Received => 0,
        OrderStatus::Validated => 1,
        OrderStatus::Reserved => 2,
        OrderStatus::Confirmed => 3,
        _ => 4,
    };
    (status, payment, shipment)
}

proptest! {
    /// P6: elsewhere the state was written without a condition, and a late event moved an order back.
    #[test]
    fn any_sequence_of_commands_only_moves_forwards(sequence in sequence()) {
        let first = received();
        prop_assert_eq!(first.replaces_version(), None);
        let mut order = first.into_order();
        let (mut reserved, mut released, mut sold, mut captured, mut refunded) = (0, 0, 0, 0, 0);
        for told in &sequence {
            if let Decision::Apply(change) = obey(&order, told) {
                prop_assert_eq!(change.replaces_version(), Some(order.version));
                prop_assert_eq!(change.event().sequence, order.version + 1);
                let ((a, b, c), (x, y, z)) = (distance(&order), distance(change.order()));
                prop_assert!(x >= a && y >= b && z >= c, "{:?} made {:?} of {:?}", told, change.order(), order);
                match change.stock() {
                    StockEffect::Reserve => reserved += 1,
                    StockEffect::Release => released += 1,
                    StockEffect::Sell => sold += 1,
                    StockEffect::None => {}
                }
                captured += i32::from(matches!(told, NotificationRecord::Captured));
                refunded += change.order().refunded - order.refunded;
                order = change.into_order();
            }
        }
        // Nobody is charged twice, gets back more than was taken, or keeps stock that nobody accounts for.
        prop_assert!(captured <= 1);
        prop_assert!(refunded <= order.total.amount * u64::from(captured == 1));
        let shipped = order.shipment_status != ShipmentStatus::None;
        let holds_stock = !shipped && matches!(order.status, OrderStatus::Reserved | OrderStatus::Confirmed);
        prop_assert_eq!((reserved - released - sold, sold), (i32::from(holds_stock), i32::from(shipped)));
        if order.status == OrderStatus::Completed {
            let settled = captured == 1 || order.payment_status == PaymentStatus::Voided;
            prop_assert!(settled && shipped, "completed without money or parcel: {:?}", order);
            prop_assert!(captured == 1 || order.shipment_status == ShipmentStatus::Returned, "kept unpaid: {:?}", order);
        }
    }

    #[test]
    fn the_money_due_is_always_settled_by_its_own_answer(sequence in sequence()) {
        let mut order = received().into_order();
        for told in &sequence {
            if let Decision::Apply(change) = obey(&order, told) {
                order = change.into_order();
            }
        }
        for _ in 0..3 {
            let answer = match order.money_due() {
                None => break,
                Some(MoneyDue::Capture) => NotificationRecord::Captured,
                Some(MoneyDue::Void) => NotificationRecord::Voided,
                Some(MoneyDue::Refund(_)) => NotificationRecord::Refunded,
            };
            let Decision::Apply(change) = obey(&order, &answer) else { panic!("{order:?} does not take {answer:?}") };
            order = change.into_order();
        }
        prop_assert_eq!(order.money_due(), None);
    }
}

/// Otherwise the properties above would say little.
#[test]
fn the_sequences_bring_orders_to_every_end() {
    let mut runner = TestRunner::deterministic();
    let mut ends: BTreeMap<(String, String), usize> = BTreeMap::new();
    for _ in 0..2000 {
        let sequence = sequence().new_tree(&mut runner).unwrap().current();
        let end = sequence.iter().fold(received().into_order(), |order, told| match obey(&order, told) {
            Decision::Apply(change) => change.into_order(),
            _ => order,
        });
        *ends.entry((end.status.to_string(), format!("{:?}", end.payment_status))).or_default() += 1;
    }
    for (status, payment) in [
        ("COMPLETED", "Captured"),
        ("COMPLETED", "Refunded"),
        ("CANCELLED", "Voided"),
        ("CANCELLED", "Refunded"),
        ("OUT_OF_STOCK", "None"),
        ("PAYMENT_DECLINED", "Declined"),
    ] {
        let met = ends.get(&(status.to_owned(), payment.to_owned())).copied().unwrap_or_default();
        assert!(met >= 20, "{met} of 2000 sequences end {status} and {payment}: {ends:#?}");
    }
}

#[test]
fn a_confirmed_order_refuses_nothing_and_repeats_nothing() {
    let reserved = match received().order().reserve(&[vec![StockPart { shard: 0, quantity: 1 }]], &context()) {
        Decision::Apply(change) => change.into_order(),
        other => panic!("{other:?}"),
    };
    let confirmed = match obey(&reserved, &NotificationRecord::Authorised) {
        Decision::Apply(change) => change.into_order(),
        other => panic!("{other:?}"),
    };
    for told in [
        NotificationRecord::Reserve,
        NotificationRecord::OutOfStock,
        NotificationRecord::Authorised,
        NotificationRecord::Declined,
    ] {
        assert_eq!(obey(&confirmed, &told), Decision::NoOp, "{told:?}");
    }
}

/// P12: elsewhere the payment raced the reservation, and customers paid for what was not there.
#[test]
fn money_is_refused_before_the_stock_is_reserved() {
    assert!(matches!(obey(received().order(), &NotificationRecord::Authorised), Decision::Reject(_)));
    assert!(matches!(obey(received().order(), &NotificationRecord::Declined), Decision::Reject(_)));
}

#[test]
fn another_body_under_the_same_id_is_recorded_once() {
    let order = received().into_order();
    let Decision::Apply(change) = obey(&order, &NotificationRecord::PlacedAgain { other: true }) else {
        panic!("not recorded")
    };
    assert_eq!((change.order().status, &change.order().lines), (order.status, &order.lines));
    assert_eq!(obey(change.order(), &NotificationRecord::PlacedAgain { other: true }), Decision::NoOp);
}

fn after(order: &Order, told: &NotificationRecord) -> Order {
    match obey(order, told) {
        Decision::Apply(change) => change.into_order(),
        other => panic!("{told:?}: {other:?}"),
    }
}

#[test]
fn a_reservation_expires_after_its_time_and_not_before() {
    let reserved = after(received().order(), &NotificationRecord::Reserve);
    assert!(matches!(reserved.expired(&context()), Decision::Defer(_)));
    let Decision::Apply(change) = reserved.expired(&late()) else { panic!("not expired") };
    assert_eq!((change.order().status, change.stock()), (OrderStatus::Cancelled, StockEffect::Release));
    // The gateway may have been asked: until that is known the order is open.
    assert!(change.order().is_open());
    assert!(!after(change.order(), &NotificationRecord::NothingHeld).is_open());
}

#[test]
fn the_captured_money_of_a_cancelled_order_is_refunded() {
    let confirmed = after(&after(received().order(), &NotificationRecord::Reserve), &NotificationRecord::Authorised);
    let cancelled = after(&confirmed, &NotificationRecord::Cancelled);
    let captured = after(&cancelled, &NotificationRecord::Captured);
    assert_eq!(captured.money_due(), Some(MoneyDue::Refund(999)));
    let refunded = after(&captured, &NotificationRecord::Refunded);
    assert_eq!((refunded.payment_status, refunded.money_due()), (PaymentStatus::Refunded, None));
}

#[test]
fn later_changes_do_not_move_the_check_of_an_authorisation() {
    let reserved = after(received().order(), &NotificationRecord::Reserve);
    let silent = Authorisation { capture_before: None, ..authorisation(1) };
    let Decision::Apply(change) = reserved.authorised(silent, &context()) else { panic!("not confirmed") };
    let confirmed = change.into_order();
    let check_at = Some(context().at.after(SHORTEST_AUTHORISATION));
    assert_eq!(confirmed.next_check_at(), check_at);
    let days_later = CommandContext { at: context().at.after(SHORTEST_AUTHORISATION / 2), ..context() };
    let Decision::Apply(change) = confirmed.placed_again(&Fingerprint::of(&request(2)), &days_later) else {
        panic!("not recorded")
    };
    assert_eq!(change.order().next_check_at(), check_at);
}

#[test]
fn an_order_that_does_not_move_is_checked_less_and_less_often() {
    let order = received().into_order();
    let wait = |minutes: u64| {
        let now = order.updated_at.after(Duration::from_secs(minutes * 60));
        order.next_check_after(now).since(now).as_secs() / 60
    };
    assert_eq!([1, 5, 10, 40, 10_000].map(wait), [5, 5, 10, 40, 120]);
}

#[test]
fn a_parcel_that_arrived_and_came_back_before_its_money_was_taken_completes_the_order() {
    let confirmed = after(&after(received().order(), &NotificationRecord::Reserve), &NotificationRecord::Authorised);
    let back = after(
        &after(&after(&confirmed, &NotificationRecord::Dispatched), &NotificationRecord::Delivered),
        &NotificationRecord::Returned(None),
    );
    assert_eq!((back.status, back.money_due()), (OrderStatus::Confirmed, Some(MoneyDue::Void)));
    assert_eq!(after(&back, &NotificationRecord::Voided).status, OrderStatus::Completed);
}

#[test]
fn attention_ends_with_the_next_change() {
    let order = after(received().order(), &NotificationRecord::NeedsAttention);
    assert_eq!(obey(&order, &NotificationRecord::NeedsAttention), Decision::NoOp);
    assert!(order.attention.is_some());
    assert_eq!(after(&order, &NotificationRecord::Reserve).attention, None);
}
