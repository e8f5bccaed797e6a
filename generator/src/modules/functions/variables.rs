//! A function's environment variables.

use order_contract::variable;

use super::inputs::Given;
use super::source::{dead_letters, queue_of, source_queue};
use crate::naming::suffixed;
use crate::pipeline::{Grant, MAIL_CONFIGURATION_SET, Secret, StageDescription, Table, topic_name};
use crate::terraform::Value;
use crate::terraform::kind::Text;

/// The function's environment variables.
pub(super) fn of(stage: &StageDescription, given: &Given) -> Vec<(&'static str, Value<Text>)> {
    let mut variables: Vec<(&'static str, Value<Text>)> =
        vec![(variable::ENVIRONMENT_SUFFIX, given.suffix.clone().into())];
    for table in Table::ALL.into_iter().filter(|table| stage.touches(*table)) {
        variables.push((table.variable(), given.table_names.key(table.name()).into()));
    }
    if let Some((_, settings)) = stage.queue() {
        variables.push((variable::SOURCE_QUEUE_URL, source_queue(stage, &given.queue_urls)));
        variables.push((variable::RETRY_BASE_SECONDS, settings.retry_base_seconds.to_string().into()));
        variables.push((variable::RETRY_CAP_SECONDS, settings.retry_cap_seconds.to_string().into()));
    }
    if stage.dead_letters().is_some() {
        variables.push((variable::DEAD_LETTER_QUEUE_URL, dead_letters(stage, &given.dead_letter_queue_urls)));
    }
    for next in stage.forwards_to {
        if let Some(name) = variable::queue_url(*next) {
            variables.push((name, queue_of(*next, &given.queue_urls).into()));
        }
    }
    for grant in stage.grants {
        match grant {
            Grant::Publish(topic) => {
                variables.push((variable::topic_arn(*topic), given.topic_arns.key(&topic_name(*topic)).into()))
            }
            Grant::Secret(secret) => {
                variables.push((secret.variable(), given.secret_arn(*secret)));
                if *secret == Secret::PaymentKey {
                    variables.push((variable::PAYMENT_GATEWAY_URL, given.payment_gateway_url.clone().into()));
                }
            }
            Grant::Table(..)
            | Grant::ChangeAttributes(..)
            | Grant::PutAttributes(..)
            | Grant::Index(..)
            | Grant::Stream(_)
            | Grant::TextCustomers
            | Grant::EmailCustomers
            | Grant::PushToCustomers => {}
        }
    }
    if stage.grants.iter().copied().any(Grant::is_channel) {
        variables.push((variable::RETAILER_NAME, given.retailer_name.clone().into()));
        variables.push((variable::SUPPORT_CONTACT, given.support_contact.clone().into()));
    }
    variables.extend(stage.channels().flat_map(|channel| channel_is_on(channel, given)));
    variables
}

/// Whether the environment has a way to customers.
fn channel_is_on(channel: Grant, given: &Given) -> Vec<(&'static str, Value<Text>)> {
    match channel {
        Grant::TextCustomers => vec![
            (variable::SMS_ENABLED, given.sms.choose("true", "false").into()),
            (variable::SMS_CALLING_CODES, given.sms_calling_codes.clone().into()),
        ],
        // An empty variable is as good as none.
        Grant::EmailCustomers => {
            let wanted = given.email_from.is_set();
            let configuration_set = suffixed(MAIL_CONFIGURATION_SET, &given.suffix);
            vec![
                (variable::EMAIL_FROM, wanted.choose(&given.email_from, "").into()),
                (variable::EMAIL_CONFIGURATION_SET, wanted.choose(configuration_set, "").into()),
            ]
        }
        Grant::PushToCustomers => vec![(variable::PUSH_ENABLED, given.push.choose("true", "false").into())],
        _ => Vec::new(),
    }
}
