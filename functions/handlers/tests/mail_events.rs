//! What SES tells of a mail after it took it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[allow(dead_code, reason = "the stages' tests use the rest of it")]
mod memory;

use memory::{Fault, POLICY, Shop, delivery};
use order_contract::mail_event::{MailFate, MailReport};
use order_contract::message::{ContactCommand, ContactRecipient};
use order_contract::metric;
use order_domain::id::OrderId;
use order_domain::request::Channel;
use order_domain::time::Timestamp;
use order_handlers::batch::Delivery;
use order_handlers::channels::Channels;
use order_handlers::consumer::StageContext;
use order_handlers::ports::{NotificationKey, Receipt, Recipient, Refusal, SentLog as _};
use order_handlers::stages::contact::Contact;
use order_handlers::texts::Texts;

async fn contact(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    let channels = Channels { email: true, sms: None, push: false };
    let texts = Texts::compiled_in("Shop", "help@shop.example").unwrap();
    let (database, notifier, queue, runtime) = (shop, shop, shop, shop);
    Contact {
        context: StageContext { database, queue, runtime, policy: POLICY },
        notifier,
        channels: &channels,
        texts: &texts,
    }
    .run(batch)
    .await
}

/// As EventBridge puts it into the queue.
fn told_by_ses(fate: MailFate, order_id: &str) -> Delivery {
    delivery("from-ses", MailReport::template(fate, &format!("{order_id:?}"), r#""3""#))
}

/// What asked for the mail.
fn asked() -> Delivery {
    let NotificationKey { order_id, sequence, .. } = mail();
    let command = ContactCommand { order_id, sequence, recipient: ContactRecipient::Channel(Channel::Email) };
    delivery("asked", serde_json::to_string(&command).unwrap())
}

/// The mail about the third event of an order.
fn mail() -> NotificationKey {
    let recipient = Recipient::Customer(Channel::Email);
    NotificationKey { order_id: OrderId::new("ord-1").unwrap(), sequence: 3, recipient }
}

#[tokio::test]
async fn a_mail_that_did_not_arrive_is_recorded_with_its_reason_and_not_sent_again() {
    for fate in MailFate::ALL.iter().copied() {
        let shop = Shop::open();
        shop.sent.lock().unwrap().insert(mail(), Receipt::Sent);
        assert!(contact(&shop, &[told_by_ses(fate, "ord-1")]).await.is_empty());
        assert_eq!(shop.sent.lock().unwrap()[&mail()], Receipt::Refused(Refusal::Mail(fate)));
        assert_eq!(shop.counts.lock().unwrap()[metric::NOTIFICATIONS_REFUSED], 1);
        assert!(contact(&shop, &[asked()]).await.is_empty());
        assert!(shop.told.lock().unwrap().is_empty());
    }
}

/// Mail to an address that is on the account's suppression list bounces at once.
#[tokio::test]
async fn a_mail_that_bounced_before_it_was_recorded_as_sent_stays_bounced() {
    let shop = Shop::open();
    let bounced = told_by_ses(MailFate::Bounced, "ord-1");
    assert!(contact(&shop, std::slice::from_ref(&bounced)).await.is_empty());
    let sent = [(mail(), Receipt::Sent)];
    (&shop).record(&sent, Timestamp::from_unix_seconds(0).unwrap()).await.unwrap();
    assert_eq!(shop.sent.lock().unwrap()[&mail()], Receipt::Refused(Refusal::Mail(MailFate::Bounced)));
    // What asked for it comes again together with the bounce.
    let shop = Shop::open();
    assert!(contact(&shop, &[asked(), bounced]).await.is_empty());
    assert!(shop.told.lock().unwrap().is_empty());
    assert_eq!(shop.sent.lock().unwrap()[&mail()], Receipt::Refused(Refusal::Mail(MailFate::Bounced)));
}

#[tokio::test]
async fn of_what_ses_tells_only_what_cannot_be_recorded_comes_again() {
    let shop = Shop::open();
    shop.fail(Fault::Record, None);
    let mut other = told_by_ses(MailFate::Complained, "ord-2");
    other.message_id = "other".into();
    let batch = [told_by_ses(MailFate::Bounced, "ord-1"), other];
    let failed = contact(&shop, &batch).await;
    assert_eq!(failed.len(), 1);
    assert_eq!(shop.counts.lock().unwrap()[metric::NOTIFICATIONS_REFUSED], 1);
    let again: Vec<_> = batch.into_iter().filter(|delivery| failed.contains(&delivery.message_id)).collect();
    assert!(contact(&shop, &again).await.is_empty());
    assert_eq!(shop.sent.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_message_that_is_neither_a_telling_nor_a_report_is_buried() {
    let shop = Shop::open();
    assert!(contact(&shop, &[told_by_ses(MailFate::Bounced, "no-order")]).await.is_empty());
    assert_eq!(shop.buried.lock().unwrap()[0].reason, "NOT_A_COMMAND");
    assert!(shop.sent.lock().unwrap().is_empty());
}
