//! How the contact stage learns that an e-mail did not arrive: the mails are sent with a configuration set that reports
//! to EventBridge, and a rule for each fate puts a small message into the stage's queue. The queue's own policy permits it.

use std::collections::BTreeSet;

use order_contract::mail_event::{CONFIGURATION_SET_TAG, MailFate, MailReport, ORDER_ID_TAG, SEQUENCE_TAG};

use super::inputs::Given;
use super::source::source_queue;
use crate::aws::cloudwatch_event_target::InputTransformer;
use crate::aws::sesv2_configuration_set::SuppressionOptions;
use crate::aws::sesv2_configuration_set_event_destination::{EventDestination, EventDestinationEventBridgeDestination};
use crate::aws::{
    CloudwatchEventRule, CloudwatchEventTarget, Sesv2ConfigurationSet, Sesv2ConfigurationSetEventDestination,
};
use crate::naming::{logical, suffixed};
use crate::pipeline::{MAIL_CONFIGURATION_SET, MAIL_EVENTS, StageDescription, mail_rule_name};
use crate::terraform::kind::Text;
use crate::terraform::{Expression, Json, Module, Value};
use crate::{array, object};

/// The one bus that SES reports to.
const BUS: &str = "event-bus/default";

/// Adds them where the environment sends e-mails; the configuration set's ARN there.
pub(super) fn add(module: &mut Module, stage: &StageDescription, given: &Given) -> Expression<Text> {
    let wanted = given.email_from.is_set();
    let named = |name: &str| suffixed(name, &given.suffix);
    let set = module.add_when(
        &wanted,
        &logical(MAIL_CONFIGURATION_SET),
        Sesv2ConfigurationSet { configuration_set_name: named(MAIL_CONFIGURATION_SET) }
            // An address that refuses our mail, or complained, gets no more.
            .suppression_options([SuppressionOptions {}.suppressed_reasons(SUPPRESSED_AFTER)]),
    );
    let set = set.under_same_condition();
    let reported = MailFate::ALL.iter().map(|fate| fate.event_type()).collect::<BTreeSet<_>>();
    module.add_when(
        &wanted,
        &logical(MAIL_CONFIGURATION_SET),
        Sesv2ConfigurationSetEventDestination {
            configuration_set_name: set.configuration_set_name(),
            event_destination_name: named(MAIL_EVENTS),
            event_destination: [EventDestination { matching_event_types: reported.into_iter().collect::<Vec<_>>() }
                .enabled(true)
                .event_bridge_destination([EventDestinationEventBridgeDestination {
                    event_bus_arn: given.location.arn("events", BUS),
                }])],
        },
    );
    for fate in MailFate::ALL.iter().copied() {
        let name = mail_rule_name(fate);
        let rule = module.add_when(
            &wanted,
            &logical(&name),
            CloudwatchEventRule {}
                .name(named(&name))
                .description(format!(
                    "Tells the {} stage of the mails of which SES says {}.",
                    stage.stage.name(),
                    fate.name()
                ))
                .event_pattern(pattern(fate, named(MAIL_CONFIGURATION_SET)).encode()),
        );
        let first_of = |tag: &str| format!("$.detail.mail.tags.{tag}[0]");
        module.add_when(
            &wanted,
            &logical(&name),
            CloudwatchEventTarget {
                rule: rule.under_same_condition().name(),
                arn: source_queue(stage, &given.queue_arns),
            }
            .input_transformer([InputTransformer {
                input_template: MailReport::template(fate, "<order>", "<sequence>"),
            }
            .input_paths([("order", first_of(ORDER_ID_TAG)), ("sequence", first_of(SEQUENCE_TAG))])]),
        );
    }
    set.arn()
}

/// What SES reports for a fate, about the mails that this program sent with the configuration set.
fn pattern(fate: MailFate, configuration_set: Value<Text>) -> Json {
    let is_there = || array![object! { "exists": true }];
    let tags =
        [(CONFIGURATION_SET_TAG, array![configuration_set]), (ORDER_ID_TAG, is_there()), (SEQUENCE_TAG, is_there())];
    let tags = Json::object(tags.map(|(tag, values)| (tag.to_owned(), values)).to_vec());
    let mut detail = vec![("mail".to_owned(), object! { "tags": tags })];
    detail.extend(fate.told_apart_by().map(|(object, fields)| (object.to_owned(), Json::from(&fields))));
    object! {
        "source": array!["aws.ses"],
        "detail-type": array![fate.detail_type()],
        "detail": Json::object(detail),
    }
}

/// SES's list of addresses that the account sends nothing to.
const SUPPRESSED_AFTER: [&str; 2] = ["BOUNCE", "COMPLAINT"];
