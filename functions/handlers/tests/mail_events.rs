//! What SES tells of a mail after it took it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[allow(dead_code, reason = "the stages' tests use the rest of it")]
mod memory;

use memory::{Fault, POLICY, Shop, delivery};
use order_domain::id::OrderId;
use order_domain::mail_event::MailFate;
use order_domain::message::{ContactCommand, Recipient};
use order_domain::request::Channel;
use order_domain::wiring::metric;
use order_handlers::batch::Delivery;
use order_handlers::channels::Channels;
use order_handlers::ports::{Addressee, Receipt, Refusal, Sending};
use order_handlers::stages::contact::Contact;
use order_handlers::texts::Texts;

async fn contact(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    let channels = Channels { email: true, sms: None, push: false };
    let texts = Texts::compiled_in("Shop").unwrap();
    let (database, notifier, queue, runtime) = (shop, shop, shop, shop);
    Contact { database, notifier, queue, runtime, policy: POLICY, channels: &channels, texts: &texts }.run(batch).await
}

/// As EventBridge puts it into the queue, with the customer's address.
fn told_by_ses(fate: MailFate, bounce_type: &str, order_id: &str) -> Delivery {
    let event = serde_json::json!({
        "version": "0", "detail-type": fate.detail_type(), "source": "aws.ses", "account": "123456789012",
        "detail": {
            "mail": {
                "destination": ["ada@example.com"],
                "tags": { "orderId": [order_id], "sequence": ["3"], "ses:configuration-set": ["mail"] },
            },
            "bounce": { "bounceType": bounce_type, "bouncedRecipients": [{ "emailAddress": "ada@example.com" }] },
        },
    });
    delivery("from-ses", event.to_string())
}

/// The mail about the third event of an order.
fn mail() -> Sending {
    let addressee = Addressee::Customer(Channel::Email);
    Sending { order_id: OrderId::new("ord-1").unwrap(), sequence: 3, addressee }
}

#[tokio::test]
async fn a_mail_that_did_not_arrive_is_recorded_with_its_reason_and_not_sent_again() {
    for (fate, bounce_type, refusal) in [
        (MailFate::Bounced, "Permanent", Refusal::Bounced),
        (MailFate::Bounced, "Transient", Refusal::MailboxUnavailable),
        (MailFate::Complained, "", Refusal::Complained),
        (MailFate::Rejected, "", Refusal::MailRejected),
    ] {
        let shop = Shop::open();
        shop.sent.lock().unwrap().insert(mail(), Receipt::Sent);
        assert!(contact(&shop, &[told_by_ses(fate, bounce_type, "ord-1")]).await.is_empty());
        assert_eq!(shop.sent.lock().unwrap()[&mail()], Receipt::Refused(refusal));
        assert_eq!(shop.counts.lock().unwrap()[metric::NOTIFICATIONS_REFUSED], 1);
        // The message that asked for the mail comes again.
        let Sending { order_id, sequence, .. } = mail();
        let command = ContactCommand { order_id, sequence, recipient: Recipient::Channel(Channel::Email) };
        let again = delivery("again", serde_json::to_string(&command).unwrap());
        assert!(contact(&shop, &[again]).await.is_empty());
        assert!(shop.told.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_ses_tells_and_cannot_be_recorded_comes_again() {
    let shop = Shop::open();
    shop.fail(Fault::Record, None);
    let bounced = [told_by_ses(MailFate::Bounced, "Permanent", "ord-1")];
    assert_eq!(contact(&shop, &bounced).await, ["from-ses"]);
    assert!(contact(&shop, &bounced).await.is_empty());
    assert_eq!(shop.sent.lock().unwrap()[&mail()], Receipt::Refused(Refusal::Bounced));
}

#[tokio::test]
async fn what_ses_tells_of_a_mail_of_somebody_else_is_buried_and_no_address_reaches_a_log() {
    let shop = Shop::open();
    assert!(contact(&shop, &[told_by_ses(MailFate::Bounced, "Permanent", "bob@example.com")]).await.is_empty());
    let buried = shop.buried.lock().unwrap();
    assert_eq!(buried[0].reason, "NOT_A_COMMAND");
    assert!(!buried[0].error.contains('@'), "{}", buried[0].error);
    assert!(shop.sent.lock().unwrap().is_empty());
}
