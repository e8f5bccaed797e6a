//! What the API reads.

use std::time::Duration;

use deployed::client::{Found, Problem};
use serde_json::json;

use crate::order::{id, order_of, unique, with};
use crate::shop::Shop;
use crate::wait::until;

super::cases![
    an_order_that_nobody_placed_is_not_found_and_says_when_to_ask_again,
    a_customers_orders_come_newest_first_in_pages,
    bad_questions_get_400,
];

fn problem<T: std::fmt::Debug>(found: Found<T>) -> Problem {
    match found {
        Found::Problem(problem) => problem,
        Found::Found(value) => panic!("found {value:?}"),
    }
}

async fn an_order_that_nobody_placed_is_not_found_and_says_when_to_ask_again(shop: &Shop) {
    let missing = problem(shop.api.order("ord-nobody").await.unwrap());
    assert_eq!((missing.status, missing.retry_after), (404, Some(Duration::from_secs(1))));
    assert_eq!(problem(shop.api.history("ord-nobody").await.unwrap()).status, 404);
    let page = shop.api.customer_orders("cus-nobody", None, None).await.unwrap().found().unwrap();
    assert_eq!((page.orders.len(), page.next), (0, None));
}

async fn a_customers_orders_come_newest_first_in_pages(shop: &Shop) {
    let tea = shop.stock(50, 1).await;
    let customer = unique("cus-");
    let mut placed = Vec::new();
    for _ in 0..5 {
        let order = with(order_of(tea.sku.as_str()), json!({ "customerId": customer }));
        shop.place(&order).await;
        shop.settled(&order).await;
        placed.insert(0, id(&order).to_owned());
    }
    let look = async || shop.api.customer_orders(&customer, None, None).await.unwrap().found().unwrap().orders.len();
    until("five orders in the index", look, |count| *count == 5).await;
    let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = shop.api.customer_orders(&customer, Some(2), cursor.as_deref()).await.unwrap().found().unwrap();
        assert!(page.orders.len() <= 2);
        seen.extend(page.orders.iter().map(|order| order.order_id.to_string()));
        pages += 1;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((seen, pages), (placed, 3));
}

async fn bad_questions_get_400(shop: &Shop) {
    for (limit, cursor) in [(Some(0), None), (Some(101), None), (None, Some("nonsense")), (None, Some(""))] {
        let refused = problem(shop.api.customer_orders("cus-1", limit, cursor).await.unwrap());
        assert_eq!(refused.status, 400, "{limit:?} {cursor:?}");
    }
    assert_eq!(problem(shop.api.order("no-order-id").await.unwrap()).status, 400);
    assert_eq!(problem(shop.api.order("ord-%2e%2e").await.unwrap()).status, 400);
}
