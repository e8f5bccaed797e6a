//! The reports of SES on a mail that it took. The emulator's SES reports nothing, and its EventBridge lets nobody speak for SES:
//! what the rule matches and where it sends is asked, and what SES would have told is put there.

use local::emulator::Request;
use order_contract::api::answers::NotificationOutcome;
use order_contract::mail_event::{MailFate, MailReport};
use order_domain::event::EventType;
use order_domain::request::Channel;
use serde_json::{Value, json};

use crate::order::{id, order_of, unique, with};
use crate::shop::Shop;
use crate::wait::until;

super::cases![
    a_mail_that_bounces_is_shown_in_the_history_of_its_order,
    each_rule_forwards_the_reports_of_ses_on_this_environments_mails_and_nothing_else,
    each_rule_sends_a_thin_message_to_the_stage_that_sent_the_mail,
];

async fn a_mail_that_bounces_is_shown_in_the_history_of_its_order(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let email = format!("{}@example.com", unique("ada"));
    let changes = json!({ "notify": ["EMAIL"], "customer": { "name": "Ada", "email": email } });
    let order = with(order_of(tea.sku.as_str()), changes);
    shop.place(&order).await;
    shop.settled(&order).await;
    shop.mails_to(&email).await;
    until_told(shop, &order, NotificationOutcome::Sent, None).await;
    let report = MailReport::template(MailFate::Bounced, &format!("{:?}", id(&order)), r#""3""#);
    let queue = &shop.connection.queues["contact-queue"];
    shop.sqs.send_message().queue_url(queue).message_body(report).send().await.unwrap();
    until_told(shop, &order, NotificationOutcome::Refused, Some("BOUNCED")).await;
}

async fn each_rule_forwards_the_reports_of_ses_on_this_environments_mails_and_nothing_else(shop: &Shop) {
    let own = configuration_set(shop).await;
    let with_tags = |tags: Value, mut event: Value| {
        event["detail"]["mail"]["tags"] = tags;
        event
    };
    let bounce = |kind: &str, subtype: &str| {
        let recipient = json!({ "emailAddress": RECIPIENT });
        json!({ "bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": [recipient] })
    };
    let bounced = |kind: &str, subtype: &str| told_by_ses("Email Bounced", &own, "bounce", bounce(kind, subtype));
    // What came to it after hours of trying, as SES tells it.
    let expired = |status: &str| {
        let mut bounce = bounce("Transient", "General");
        bounce["bouncedRecipients"][0]["action"] = "failed".into();
        bounce["bouncedRecipients"][0]["status"] = status.into();
        bounce["bouncedRecipients"][0]["diagnosticCode"] = "smtp; 554 4.4.7 Message expired: unable to deliver".into();
        told_by_ses("Email Bounced", &own, "bounce", bounce)
    };
    let complaint = |more: Value| {
        let complaint = json!({ "complaintSubType": null, "complainedRecipients": [{ "emailAddress": RECIPIENT }] });
        told_by_ses("Email Complaint Received", &own, "complaint", with(complaint, more))
    };
    let other_set =
        json!({ "ses:configuration-set": ["mail-configuration-set-other"], "orderId": ["ord-1"], "sequence": ["3"] });
    let by_hand = json!({ "ses:configuration-set": [own] });
    let rejected = told_by_ses("Email Rejected", &own, "reject", json!({ "reason": "Bad content" }));
    for (event, expected) in [
        (bounced("Permanent", "General"), Some(MailFate::Bounced)),
        (bounced("Permanent", "OnAccountSuppressionList"), Some(MailFate::Bounced)),
        (bounced("Transient", "MailboxFull"), Some(MailFate::NotTaken)),
        (bounced("Undetermined", "Undetermined"), Some(MailFate::NotTaken)),
        // A domain that does not exist.
        (expired("4.4.7"), Some(MailFate::NotTaken)),
        // Somebody is away: the mail is in the mailbox.
        (bounced("Transient", "General"), None),
        (complaint(json!({})), Some(MailFate::Complained)),
        (complaint(json!({ "complaintFeedbackType": "abuse" })), Some(MailFate::Complained)),
        (complaint(json!({ "complaintFeedbackType": "not-spam" })), None),
        (rejected, Some(MailFate::Rejected)),
        (told_by_ses("Email Delivered", &own, "delivery", json!({})), None),
        (with_tags(other_set, bounced("Permanent", "General")), None),
        (with_tags(by_hand, bounced("Permanent", "General")), None),
    ] {
        let event = event.to_string();
        let mut fates = Vec::new();
        for fate in MailFate::ALL.iter().copied() {
            let asked = json!({ "EventPattern": rule(shop, fate).await["EventPattern"], "Event": event });
            if events(shop, "TestEventPattern", &asked).await["Result"] == true {
                fates.push(fate);
            }
        }
        assert_eq!(fates, Vec::from_iter(expected), "{event}");
    }
}

async fn each_rule_sends_a_thin_message_to_the_stage_that_sent_the_mail(shop: &Shop) {
    for fate in MailFate::ALL.iter().copied() {
        let name = rule(shop, fate).await["Name"].clone();
        let targets = events(shop, "ListTargetsByRule", &json!({ "Rule": name })).await;
        let target = &targets["Targets"][0];
        let (_, queue) = shop.connection.queues["contact-queue"].rsplit_once('/').unwrap();
        assert!(target["Arn"].as_str().is_some_and(|arn| arn.ends_with(&format!(":{queue}"))), "{target}");
        let thin = MailReport::template(fate, "<order>", "<sequence>");
        assert_eq!(target["InputTransformer"]["InputTemplate"], thin, "{target}");
    }
}

/// Until the history shows this of the mail about the confirmation, and nothing else.
async fn until_told(shop: &Shop, order: &Value, outcome: NotificationOutcome, reason: Option<&str>) {
    let look = async || {
        let events = shop.history(order).await.events;
        let confirmed = events.into_iter().find(|event| event.event_type == EventType::OrderConfirmed);
        let told = confirmed.into_iter().flat_map(|event| event.notifications);
        told.map(|told| (told.channel, told.outcome, told.reason)).collect::<Vec<_>>()
    };
    let wanted = [(Channel::Email, outcome, reason.map(str::to_owned))];
    until(&format!("{outcome:?} in the history"), look, |told| *told == wanted).await;
}

const RECIPIENT: &str = "ada@example.com";

/// As the SES Developer Guide shows it, "SES events schema reference"; about the third event of an order.
fn told_by_ses(detail_type: &str, configuration_set: &str, what: &str, of_it: Value) -> Value {
    let tags = json!({ "ses:configuration-set": [configuration_set], "orderId": ["ord-1"], "sequence": ["3"] });
    let mail = json!({ "source": "orders@shop.example", "destination": [RECIPIENT], "tags": tags });
    let mut event = json!({
        "version": "0", "id": "12a18625-3328-fafd-2aa5-a5e16310f3ea", "detail-type": detail_type, "source": "aws.ses",
        "account": "000000000000", "time": "2026-11-26T15:36:16Z", "region": "eu-west-2",
        "resources": [format!("arn:aws:ses:eu-west-2:000000000000:configuration-set/{configuration_set}")],
        "detail": { "mail": mail },
    });
    event["detail"][what] = of_it;
    event
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

async fn rule(shop: &Shop, fate: MailFate) -> Value {
    let prefix = format!("mail-{}-rule", fate.name().to_lowercase().replace('_', "-"));
    let rules = events(shop, "ListRules", &json!({ "NamePrefix": prefix })).await;
    rules["Rules"][0].clone()
}

async fn events(shop: &Shop, operation: &str, input: &Value) -> Value {
    let (target, input) = (format!("AWSEvents.{operation}"), input.to_string());
    serde_json::from_str(&shop.aws("events", Request::Json { target: &target, input: &input }).await).unwrap()
}
