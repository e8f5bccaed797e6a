//! What tells the stage that sends e-mails what became of them: a configuration set, with which they are sent, tells
//! EventBridge of those that did not arrive, and a rule puts that into the stage's queue. The queue's own policy lets it.

use order_domain::mail_event::{CONFIGURATION_SET_TAG, MailFate};

use super::inputs::Given;
use super::source::source_queue;
use crate::aws::sesv2_configuration_set::SuppressionOptions;
use crate::aws::sesv2_configuration_set_event_destination::{EventDestination, EventDestinationEventBridgeDestination};
use crate::aws::{
    CloudwatchEventRule, CloudwatchEventTarget, Sesv2ConfigurationSet, Sesv2ConfigurationSetEventDestination,
};
use crate::naming::{logical, suffixed};
use crate::pipeline::{MAIL_CONFIGURATION_SET, MAIL_EVENTS_RULE, StageDescription};
use crate::terraform::kind::Text;
use crate::terraform::{Expression, Json, Module};
use crate::{array, object};

/// The one bus that SES tells.
const BUS: &str = "event-bus/default";

/// Adds them where the environment sends e-mails; the configuration set's ARN there.
pub(super) fn add(module: &mut Module, stage: &StageDescription, given: &Given) -> Expression<Text> {
    let wanted = given.email_from.is_set();
    let named = |name: &str| suffixed(name, &given.suffix);
    let set = module.add_when(
        &wanted,
        &logical(MAIL_CONFIGURATION_SET),
        Sesv2ConfigurationSet { configuration_set_name: named(MAIL_CONFIGURATION_SET) }
            // Who does not take our mail, or does not want it, gets no further one.
            .suppression_options([SuppressionOptions {}.suppressed_reasons(SUPPRESSED_AFTER)]),
    );
    let set = set.under_same_condition();
    let told_of: Vec<&str> = MailFate::ALL.map(MailFate::event_type).to_vec();
    module.add_when(
        &wanted,
        &logical(MAIL_CONFIGURATION_SET),
        Sesv2ConfigurationSetEventDestination {
            configuration_set_name: set.configuration_set_name(),
            event_destination_name: named(MAIL_EVENTS_RULE),
            event_destination: [EventDestination { matching_event_types: told_of }
                .enabled(true)
                .event_bridge_destination([EventDestinationEventBridgeDestination {
                    event_bus_arn: given.surroundings.arn("events", BUS),
                }])],
        },
    );
    let sent_with = (CONFIGURATION_SET_TAG.to_owned(), array![named(MAIL_CONFIGURATION_SET)]);
    let pattern = object! {
        "source": array!["aws.ses"],
        "detail-type": MailFate::ALL.map(MailFate::detail_type).to_vec(),
        "detail": object! {
            "mail": object! { "tags": Json::object(vec![sent_with]) },
        },
    };
    let rule = module.add_when(
        &wanted,
        &logical(MAIL_EVENTS_RULE),
        CloudwatchEventRule {}
            .name(named(MAIL_EVENTS_RULE))
            .description("Puts what SES tells of a mail that did not arrive into the queue of the stage that sent it.")
            .event_pattern(pattern.encode()),
    );
    module.add_when(
        &wanted,
        &logical(MAIL_EVENTS_RULE),
        CloudwatchEventTarget { rule: rule.under_same_condition().name(), arn: source_queue(stage, &given.queue_arns) },
    );
    set.arn()
}

/// SES's list of addresses that the account sends nothing to.
const SUPPRESSED_AFTER: [&str; 2] = ["BOUNCE", "COMPLAINT"];
