//! After the confirmation: parcels, cancellations, and the money that follows.

use deployed::client::Placed;
use order_domain::event::EventType;
use order_domain::order::{OrderStatus, PaymentStatus, ShipmentStatus};
use order_domain::stock::StockLevel;
use serde_json::{Value, json};

use crate::order::{id, order_of, unique, with};
use crate::shop::{PRICE, Shop};
use crate::wait::until;

super::cases![
    a_dispatched_order_is_charged_and_a_delivered_one_is_completed,
    a_delivery_that_overtakes_its_dispatch_is_not_lost,
    a_cancelled_order_releases_its_stock_and_voids_its_authorisation,
    a_cancellation_that_comes_too_late_is_refused_and_published,
    a_return_is_refunded_whole_or_in_part,
    a_refund_that_comes_back_from_the_customers_bank_marks_its_order_and_calls_a_person,
    reports_and_cancellations_that_break_the_model_get_400,
    a_report_on_an_order_that_is_rejected_goes_to_the_dead_letter_queue,
];

async fn confirmed(shop: &Shop, order: &Value) {
    shop.place(order).await;
    assert_eq!(shop.settled(order).await.status, OrderStatus::Confirmed);
}

async fn a_dispatched_order_is_charged_and_a_delivered_one_is_completed(shop: &Shop) {
    let tea = shop.stock(5, 2).await;
    let order = order_of(tea.sku.as_str());
    confirmed(shop, &order).await;
    for _ in 0..2 {
        shop.dispatch(&order).await;
    }
    shop.view(&order, "charged", |view| view.payment_status == PaymentStatus::Captured).await;
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 4, reserved: 0, sold: 1 });
    shop.report(json!({ "update": "DELIVERED", "orderId": id(&order) })).await;
    let view = shop.view(&order, "completed", |view| view.status == OrderStatus::Completed).await;
    assert_eq!(view.shipment_status, ShipmentStatus::Delivered);
    let events = shop.history(&order).await.events;
    let types: Vec<_> = events.iter().skip(3).map(|event| event.event_type).collect();
    assert_eq!(types, [EventType::ShipmentDispatched, EventType::PaymentCaptured, EventType::ShipmentDelivered]);
    shop.published(&order, |events| {
        [EventType::ShipmentDispatched, EventType::PaymentCaptured, EventType::ShipmentDelivered]
            .iter()
            .all(|event| events.contains(event))
    })
    .await;
    let texts = async || shop.texts(order["customer"]["phone"].as_str().unwrap()).await;
    let texts = until("a text of each step", texts, |texts| texts.len() == 4).await;
    for said in ["is confirmed", "RM123456785GB", "we've charged", "has been delivered"] {
        assert!(texts.iter().any(|text| text.contains(said)), "{said}: {texts:?}");
    }
}

async fn a_delivery_that_overtakes_its_dispatch_is_not_lost(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    confirmed(shop, &order).await;
    shop.report(json!({ "update": "DELIVERED", "orderId": id(&order) })).await;
    shop.dispatch(&order).await;
    shop.view(&order, "completed", |view| view.status == OrderStatus::Completed).await;
}

/// P9: elsewhere an order was completed when a part of it had failed, and a cancelled one kept its stock and money.
async fn a_cancelled_order_releases_its_stock_and_voids_its_authorisation(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    confirmed(shop, &order).await;
    for _ in 0..2 {
        let asked = shop.api.cancel(id(&order), "CUSTOMER_REQUEST").await.unwrap();
        assert!(matches!(asked, Placed::Accepted(_)), "{asked:?}");
    }
    let view = shop.view(&order, "voided", |view| view.payment_status == PaymentStatus::Voided).await;
    assert_eq!(view.status, OrderStatus::Cancelled);
    assert_eq!(shop.stock_of(&tea).await, StockLevel { free: 5, reserved: 0, sold: 0 });
}

async fn a_cancellation_that_comes_too_late_is_refused_and_published(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    confirmed(shop, &order).await;
    shop.dispatch(&order).await;
    shop.view(&order, "charged", |view| view.payment_status == PaymentStatus::Captured).await;
    shop.api.cancel(id(&order), "TOO_LATE").await.unwrap();
    shop.published(&order, |events| events.contains(&EventType::CancellationRefused)).await;
    let after = shop.settled(&order).await;
    assert_eq!((after.status, after.payment_status), (OrderStatus::Confirmed, PaymentStatus::Captured));
}

async fn a_return_is_refunded_whole_or_in_part(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    for (refund, refunded, status) in
        [(json!({}), PRICE, PaymentStatus::Refunded), (json!({ "refund": 100 }), 100, PaymentStatus::Captured)]
    {
        let order = order_of(tea.sku.as_str());
        confirmed(shop, &order).await;
        shop.dispatch(&order).await;
        shop.report(json!({ "update": "DELIVERED", "orderId": id(&order) })).await;
        shop.view(&order, "completed", |view| view.status == OrderStatus::Completed).await;
        shop.report(with(json!({ "update": "RETURNED", "orderId": id(&order) }), refund)).await;
        let view = shop.view(&order, "refunded", |view| view.refunded > 0).await;
        assert_eq!((view.refunded, view.payment_status, view.status), (refunded, status, OrderStatus::Completed));
    }
}

async fn a_refund_that_comes_back_from_the_customers_bank_marks_its_order_and_calls_a_person(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = with(order_of(tea.sku.as_str()), json!({ "payment": { "method": "pm_card_refundFail" } }));
    confirmed(shop, &order).await;
    shop.dispatch(&order).await;
    shop.report(json!({ "update": "DELIVERED", "orderId": id(&order) })).await;
    shop.view(&order, "completed", |view| view.status == OrderStatus::Completed).await;
    shop.report(json!({ "update": "RETURNED", "orderId": id(&order) })).await;
    // The gateway says that it refunded the money, and later, by a webhook, that the bank did not take it.
    let view = shop.view(&order, "marked", |view| view.attention.is_some()).await;
    assert_eq!((view.refunded, view.payment_status), (PRICE, PaymentStatus::Refunded));
    assert_eq!(view.attention.unwrap().reason, "REFUND_RETURNED");
    let is_it = |body: &Value| body["command"] == "REPORT_FAILED_REFUND" && body["orderId"] == order["orderId"];
    let message = shop.dead_letter_where("fulfilment-dlq", is_it).await;
    assert_eq!(message["reason"], "REFUND_RETURNED");
    assert!(message["error"].contains("re_simulated"), "{message:?}");
}

async fn reports_and_cancellations_that_break_the_model_get_400(shop: &Shop) {
    for update in [
        json!({ "update": "DISPATCHED", "orderId": "ord-1" }),
        json!({ "update": "LOST", "orderId": "ord-1" }),
        json!({ "update": "DELIVERED", "orderId": "1" }),
        json!({ "update": "RETURNED", "orderId": "ord-1", "refund": 0 }),
        json!({}),
    ] {
        let answer = shop.api.report_shipment(&update).await.unwrap();
        assert!(matches!(&answer, Placed::Refused(problem) if problem.status == 400), "{update}: {answer:?}");
    }
    let answer = shop.api.cancel("ord-1", "BECAUSE").await.unwrap();
    assert!(matches!(&answer, Placed::Refused(problem) if problem.status == 400), "{answer:?}");
}

async fn a_report_on_an_order_that_is_rejected_goes_to_the_dead_letter_queue(shop: &Shop) {
    let order = with(order_of("NO-SUCH-SKU"), json!({ "orderId": unique("ord-") }));
    shop.place(&order).await;
    assert_eq!(shop.settled(&order).await.status, OrderStatus::Rejected);
    shop.dispatch(&order).await;
    let about_it = |message: &Value| message["shipment"]["orderId"] == id(&order);
    let message = shop.dead_letter_where("fulfilment-dlq", about_it).await;
    assert_eq!(message["reason"], "ILLEGAL_COMMAND");
}
