//! Who hears of an order.

use serde_json::json;

use crate::order::{id, order_of, with};
use crate::shop::Shop;

super::cases![every_event_reaches_the_topics_and_the_customer_gets_one_text, a_customer_who_wants_no_text_gets_none];

async fn every_event_reaches_the_topics_and_the_customer_gets_one_text(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    shop.place(&order).await;
    shop.settled(&order).await;
    // A confirmation is news of the order and of its payment, so two topics carry it.
    let expected = ["ORDER_CONFIRMED", "ORDER_CONFIRMED", "ORDER_VALIDATED", "STOCK_RESERVED"];
    let sorted = |events: &[String]| {
        let mut events = events.to_vec();
        events.sort_unstable();
        events
    };
    shop.published(&order, |events| sorted(events) == expected).await;
    let texts = shop.texts_to(order["customer"]["phone"].as_str().unwrap()).await;
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains(id(&order)) && texts[0].contains("confirmed"), "{texts:?}");
}

async fn a_customer_who_wants_no_text_gets_none(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = with(order_of(tea.sku.as_str()), json!({ "notify": [] }));
    shop.place(&order).await;
    shop.published(&order, |events| events.len() == 4).await;
    assert!(shop.texts(order["customer"]["phone"].as_str().unwrap()).await.is_empty());
}
