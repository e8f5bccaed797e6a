//! Who hears of an order.

use order_contract::api::answers::NotificationOutcome;
use order_domain::event::EventType;
use order_domain::notification::Topic;
use order_domain::request::Channel;
use serde_json::{Value, json};

use crate::observer::Heard;
use crate::order::{id, order_of, unique, with};
use crate::shop::Shop;
use crate::wait::until;

super::cases![
    every_event_reaches_the_topics_and_the_customer_gets_one_text,
    a_customer_who_wants_no_text_gets_none,
    a_customer_hears_once_on_every_channel_that_was_asked_for,
    a_number_that_may_not_be_texted_is_shown_in_the_history_and_blocks_no_other_channel,
];

/// P5: elsewhere events were sent at best effort, and a confirmed order could be one without an event.
async fn every_event_reaches_the_topics_and_the_customer_gets_one_text(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    shop.place(&order).await;
    shop.settled(&order).await;
    // A confirmation is news of the order and of its payment, so two topics carry it.
    let expected = [
        (1, Topic::OrderConfirmation, EventType::OrderValidated),
        (2, Topic::OrderConfirmation, EventType::StockReserved),
        (3, Topic::OrderConfirmation, EventType::OrderConfirmed),
        (3, Topic::PaymentStatus, EventType::OrderConfirmed),
    ];
    let told = |heard: &[Heard]| {
        let told = heard.iter().map(|heard| (heard.event.sequence, heard.topic, heard.event.event_type));
        let mut told: Vec<_> = told.collect();
        told.sort_unstable();
        told
    };
    shop.heard_of(&order, |heard| told(heard) == expected).await;
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

async fn a_customer_hears_once_on_every_channel_that_was_asked_for(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    let (email, phone) = (format!("{}@example.com", unique("ada")), order["customer"]["phone"].clone());
    let customer = json!({ "name": "Ada <b>Lovelace</b>", "email": email, "phone": phone });
    let order = with(order, json!({ "notify": ["EMAIL", "SMS"], "customer": customer }));
    shop.place(&order).await;
    shop.settled(&order).await;
    let mails = shop.mails_to(&email).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    let html = mails[0]["BodyHtml"].as_str().unwrap();
    assert!(html.contains(id(&order)) && !html.contains("<b>Lovelace</b>"), "{html}");
    assert_eq!(shop.texts_to(phone.as_str().unwrap()).await.len(), 1);
    let notified = notifications_of_confirmation(shop, &order).await;
    assert_eq!(
        notified,
        [(Channel::Email, NotificationOutcome::Sent, None), (Channel::Sms, NotificationOutcome::Sent, None)]
    );
}

async fn a_number_that_may_not_be_texted_is_shown_in_the_history_and_blocks_no_other_channel(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let email = format!("{}@example.com", unique("grace"));
    let customer = json!({ "name": "Grace", "email": email, "phone": "+33612345678" });
    let changes = json!({ "notify": ["EMAIL", "SMS"], "customer": customer });
    let order = with(order_of(tea.sku.as_str()), changes);
    shop.place(&order).await;
    shop.settled(&order).await;
    assert_eq!(shop.mails_to(&email).await.len(), 1);
    let refused = Some("CALLING_CODE_NOT_PERMITTED".to_owned());
    let notified = notifications_of_confirmation(shop, &order).await;
    assert_eq!(
        notified,
        [(Channel::Email, NotificationOutcome::Sent, None), (Channel::Sms, NotificationOutcome::Refused, refused)]
    );
    assert!(shop.texts("+33612345678").await.is_empty());
}

/// What became of each channel, once the history shows two.
async fn notifications_of_confirmation(
    shop: &Shop,
    order: &Value,
) -> Vec<(Channel, NotificationOutcome, Option<String>)> {
    let look = async || {
        let events = shop.history(order).await.events;
        let confirmed = events.into_iter().find(|event| event.event_type == EventType::OrderConfirmed);
        let mut told: Vec<_> = confirmed
            .into_iter()
            .flat_map(|event| event.notifications)
            .map(|told| (told.channel, told.outcome, told.reason))
            .collect();
        told.sort();
        told
    };
    until("two channels in the history", look, |told| told.len() == 2).await
}
