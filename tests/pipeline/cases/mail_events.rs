//! What SES tells of a mail that it took. The emulator's SES tells nothing, and its EventBridge lets nobody speak for SES:
//! what the rule matches and where it sends is asked, and what SES would have told is put there.

use ops::emulator::Request;
use order_domain::event::EventType;
use order_domain::mail_event::MailFate;
use order_domain::request::Channel;
use serde_json::{Value, json};

use crate::order::{id, order_of, unique, with};
use crate::shop::Shop;
use crate::wait::until;

super::cases![
    a_mail_that_bounces_is_shown_in_the_history_of_its_order,
    the_rule_hands_on_what_ses_tells_of_this_environments_mails_and_nothing_else,
];

async fn a_mail_that_bounces_is_shown_in_the_history_of_its_order(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let email = format!("{}@example.com", unique("ada"));
    let changes = json!({ "notify": ["EMAIL"], "customer": { "name": "Ada", "email": email } });
    let order = with(order_of(tea.sku.as_str()), changes);
    shop.place(&order).await;
    shop.settled(&order).await;
    shop.mails_to(&email).await;
    until_told(shop, &order, "SENT", None).await;
    let event = told_by_ses(MailFate::Bounced.detail_type(), &configuration_set(shop).await, id(&order));
    let queue = &shop.connection.queues["contact-queue"];
    shop.sqs.send_message().queue_url(queue).message_body(event.to_string()).send().await.unwrap();
    until_told(shop, &order, "REFUSED", Some("BOUNCED")).await;
}

async fn the_rule_hands_on_what_ses_tells_of_this_environments_mails_and_nothing_else(shop: &Shop) {
    let rule = rule(shop).await;
    let pattern = rule["EventPattern"].as_str().unwrap();
    let own = configuration_set(shop).await;
    let delivered = "Email Delivered";
    let mut expected: Vec<_> = MailFate::ALL.map(|fate| (fate.detail_type(), own.as_str(), true)).to_vec();
    expected.extend([(delivered, own.as_str(), false), ("Email Bounced", "mail-configuration-set-other", false)]);
    for (detail_type, configuration_set, matches) in expected {
        let event = told_by_ses(detail_type, configuration_set, "ord-1").to_string();
        let asked = json!({ "EventPattern": pattern, "Event": event });
        let answer = events(shop, "TestEventPattern", &asked).await;
        assert_eq!(answer["Result"], matches, "{detail_type} of {configuration_set}");
    }
    let targets = events(shop, "ListTargetsByRule", &json!({ "Rule": rule["Name"] })).await;
    let arn = targets["Targets"][0]["Arn"].as_str().unwrap();
    let (_, queue) = shop.connection.queues["contact-queue"].rsplit_once('/').unwrap();
    assert!(arn.ends_with(&format!(":{queue}")), "{arn}");
}

/// Until the history shows this of the mail about the confirmation, and nothing else.
async fn until_told(shop: &Shop, order: &Value, outcome: &str, reason: Option<&str>) {
    let look = async || {
        let events = shop.history(order).await.events;
        let confirmed = events.into_iter().find(|event| event.event_type == EventType::OrderConfirmed);
        let told = confirmed.into_iter().flat_map(|event| event.notifications);
        told.map(|told| (told.channel, told.outcome, told.reason)).collect::<Vec<_>>()
    };
    let wanted = [(Channel::Email, outcome.to_owned(), reason.map(str::to_owned))];
    until(&format!("{outcome} in the history"), look, |told| *told == wanted).await;
}

/// As the SES Developer Guide shows it, "SES events schema reference"; about the third event of the order.
fn told_by_ses(detail_type: &str, configuration_set: &str, order_id: &str) -> Value {
    json!({
        "version": "0", "id": "12a18625-3328-fafd-2aa5-a5e16310f3ea", "detail-type": detail_type, "source": "aws.ses",
        "account": "000000000000", "time": "2026-11-26T15:36:16Z", "region": "eu-west-2",
        "resources": [format!("arn:aws:ses:eu-west-2:000000000000:configuration-set/{configuration_set}")],
        "detail": {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Permanent", "bounceSubType": "General",
                "bouncedRecipients": [{ "emailAddress": "ada@example.com", "action": "failed", "status": "5.1.1" }],
            },
            "mail": {
                "source": "orders@shop.example", "destination": ["ada@example.com"],
                "tags": { "ses:configuration-set": [configuration_set], "orderId": [order_id], "sequence": ["3"] },
            },
        },
    })
}

/// The configuration set that the environment sends its mails with, if SES has it and it tells EventBridge.
async fn configuration_set(shop: &Shop) -> String {
    let read =
        async |path: &str| -> Value { serde_json::from_str(&shop.aws("ses", Request::Get(path)).await).unwrap() };
    let sets = read("/v2/email/configuration-sets").await;
    let name = sets["ConfigurationSets"][0].as_str().unwrap().to_owned();
    let told = read(&format!("/v2/email/configuration-sets/{name}/event-destinations")).await;
    let bus = &told["EventDestinations"][0]["EventBridgeDestination"]["EventBusArn"];
    assert!(bus.as_str().is_some_and(|bus| bus.ends_with(":event-bus/default")), "{told}");
    name
}

async fn rule(shop: &Shop) -> Value {
    let rules = events(shop, "ListRules", &json!({ "NamePrefix": "mail-events-rule" })).await;
    rules["Rules"][0].clone()
}

async fn events(shop: &Shop, operation: &str, input: &Value) -> Value {
    let (target, input) = (format!("AWSEvents.{operation}"), input.to_string());
    serde_json::from_str(&shop.aws("events", Request::Json { target: &target, input: &input }).await).unwrap()
}
