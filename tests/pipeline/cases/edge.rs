//! What the edge refuses touches nothing.

use deployed::client::{Found, Placed, Problem};
use order_domain::order::OrderStatus;
use serde_json::{Value, json};

use crate::order::{id, order_of, with};
use crate::shop::Shop;

super::cases![
    an_order_that_breaks_the_model_gets_400_and_touches_nothing,
    a_body_that_is_not_json_gets_400,
    an_unsigned_request_is_refused,
    an_order_with_too_many_lines_is_refused,
    an_order_of_two_megabytes_is_refused_before_anything_is_stored,
    an_order_padded_beyond_a_message_is_refused_and_nothing_is_stored,
];

async fn refused(shop: &Shop, order: &Value) -> Problem {
    match shop.api.place(order).await.unwrap() {
        Placed::Refused(problem) => problem,
        Placed::Accepted(_) => panic!("accepted: {order}"),
    }
}

async fn an_order_that_breaks_the_model_gets_400_and_touches_nothing(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let good = order_of(tea.sku.as_str());
    for change in [
        json!({ "items": [] }),
        json!({ "items": [{ "sku": tea.sku, "quantity": 0 }] }),
        json!({ "items": [{ "sku": tea.sku, "quantity": "1" }] }),
        json!({ "currency": "pounds" }),
        json!({ "payment": { "method": "4242424242424242" } }),
        json!({ "total": 1 }),
        json!({ "notify": ["FAX"] }),
    ] {
        let problem = refused(shop, &with(good.clone(), change.clone())).await;
        assert_eq!(problem.status, 400, "{change}: {problem:?}");
        let document: Value = serde_json::from_str(&problem.body).expect("a problem document");
        assert_eq!(document["status"], 400, "{document}");
        assert!(document["detail"].is_string(), "{document}");
    }
    // The good one comes last. Had one of the others come through, it would have made the order, or a conflict with it,
    // or a dead-lettered message.
    shop.place(&good).await;
    let view = shop.settled(&good).await;
    assert_eq!((view.status, view.version), (OrderStatus::Confirmed, 3));
    assert_eq!(shop.stock_of(&tea).await.free, 4);
    assert!(!shop.has_dead_letter("validate-dlq", id(&good)).await);
}

async fn a_body_that_is_not_json_gets_400(shop: &Shop) {
    let placed = shop.api.place_body(b"{\"orderId\":".to_vec()).await.unwrap();
    assert!(matches!(&placed, Placed::Refused(problem) if problem.status == 400), "{placed:?}");
}

async fn an_unsigned_request_is_refused(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    let placed = shop.unsigned.place(&order).await.unwrap();
    assert!(matches!(&placed, Placed::Refused(problem) if problem.status == 403), "{placed:?}");
    let read = shop.unsigned.order(id(&order)).await.unwrap();
    assert!(matches!(&read, Found::Problem(problem) if problem.status == 403), "{read:?}");
}

async fn an_order_with_too_many_lines_is_refused(shop: &Shop) {
    let lines: Vec<Value> = (0..41).map(|n| json!({ "sku": format!("SKU-{n}"), "quantity": 1 })).collect();
    assert_eq!(refused(shop, &with(order_of("TEA"), json!({ "items": lines }))).await.status, 400);
}

/// More than a queue's message may have (1 MiB), and less than the API lets through (10 MB).
const TWO_MEGABYTES: usize = 2_000_000;

async fn an_order_of_two_megabytes_is_refused_before_anything_is_stored(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let good = order_of(tea.sku.as_str());
    let mut long = good.clone();
    long["shippingAddress"]["line1"] = json!("x".repeat(TWO_MEGABYTES));
    let problem = is_refused_and_leaves_nothing(shop, &good, long.to_string()).await;
    assert_eq!(problem.status, 400, "{problem:?}");
}

async fn an_order_padded_beyond_a_message_is_refused_and_nothing_is_stored(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let good = order_of(tea.sku.as_str());
    // It keeps to the model, since white space does not count in a document: only the queue finds it too long.
    let padded = format!("{}{}", " ".repeat(TWO_MEGABYTES), good);
    let problem = is_refused_and_leaves_nothing(shop, &good, padded).await;
    // Not a 400, which is final: SQS throttles with that as well, and the API cannot tell the two apart.
    assert_eq!((problem.status, problem.retry_after.is_some()), (503, true), "{problem:?}");
}

/// A body that is too long is refused, and the same order in a body that is not goes through as if nothing had been.
async fn is_refused_and_leaves_nothing(shop: &Shop, good: &Value, body: String) -> Problem {
    let placed = shop.api.clone().without_retries().place_body(body.into_bytes()).await.unwrap();
    let Placed::Refused(problem) = placed else { panic!("accepted: {placed:?}") };
    assert!(problem.detail.is_some(), "it does not say why: {problem:?}");
    let read = shop.api.order(id(good)).await.unwrap();
    assert!(matches!(&read, Found::Problem(problem) if problem.status == 404), "{read:?}");
    shop.place(good).await;
    let view = shop.settled(good).await;
    assert_eq!((view.status, view.version), (OrderStatus::Confirmed, 3));
    assert!(!shop.has_dead_letter("validate-dlq", id(good)).await);
    problem
}
