//! Every way out on AWS: topics, text messages and push by SNS, e-mail by SES.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use futures::StreamExt as _;
use futures::stream;
use order_contract::variable;
use order_domain::event::Event;
use order_domain::notification::{CallingCodes, Topic};

use super::ses::Ses;
use super::settings::{self, SettingError};
use super::sns::{BATCH, Sns};
use crate::channels::Channels;
use crate::failure::Failure;
use crate::ports::{AboutEvent, Mail, Notification, Notifier, Push, Receipt};

/// Calls at a time: enough that a full batch is told well within the function's time, few enough not to be throttled.
const CONCURRENT_CALLS: usize = 16;

/// The channels that the environment may use: text messages and push where they are switched on, e-mail where it has a
/// sender.
///
/// # Errors
/// When a variable has another form.
pub fn channels() -> Result<Channels, SettingError> {
    let codes = match settings::text(variable::SMS_CALLING_CODES) {
        Err(_) => CallingCodes::united_kingdom(),
        Ok(value) => value.parse().map_err(|_| SettingError::Malformed {
            name: variable::SMS_CALLING_CODES,
            value,
            expected: "calling codes separated by commas, such as +44,+353",
        })?,
    };
    Ok(Channels {
        email: settings::text(variable::EMAIL_FROM).is_ok(),
        sms: switched_on(variable::SMS_ENABLED)?.then_some(codes),
        push: switched_on(variable::PUSH_ENABLED)?,
    })
}

/// What nobody switched on is off.
fn switched_on(name: &'static str) -> Result<bool, SettingError> {
    match settings::flag(name) {
        Err(SettingError::Missing(_)) => Ok(false),
        flag => flag,
    }
}

/// The ways out.
#[derive(Debug, Clone)]
pub struct AwsNotifier {
    sns: Sns,
    ses: Option<Ses>,
}

/// One call to AWS, with the places of its notifications among all.
enum Call<'a> {
    Publish(Topic, Vec<(usize, &'a Event)>),
    Sms(usize, &'a str, &'a str),
    Mail(usize, &'a str, &'a Mail, &'a AboutEvent),
    Push(usize, &'a str, &'a Push),
}

type Answers = Vec<(usize, Result<Receipt, Failure>)>;

impl AwsNotifier {
    /// The topics and the sender that the environment names.
    ///
    /// # Errors
    /// When it does not name every topic.
    pub fn from_environment(aws: &SdkConfig) -> Result<Self, SettingError> {
        let sns = Sns::from_environment(aws_sdk_sns::Client::new(aws))?;
        Ok(Self { sns, ses: Ses::from_environment(aws_sdk_sesv2::Client::new(aws))? })
    }

    async fn make(&self, call: Call<'_>) -> Answers {
        match call {
            Call::Publish(topic, events) => {
                let places: Vec<usize> = events.iter().map(|(place, _)| *place).collect();
                let events: Vec<&Event> = events.into_iter().map(|(_, event)| event).collect();
                places.into_iter().zip(self.sns.publish(topic, &events).await).collect()
            }
            Call::Sms(place, phone, text) => vec![(place, self.sns.sms(phone, text).await)],
            Call::Push(place, endpoint, push) => vec![(place, self.sns.push(endpoint, push).await)],
            Call::Mail(place, to, mail, about) => {
                let sent = match &self.ses {
                    Some(ses) => ses.send(to, mail, about).await,
                    None => Err(Failure::transient_because("an e-mail has no sender: EMAIL_FROM is not set")),
                };
                vec![(place, sent)]
            }
        }
    }
}

impl Notifier for AwsNotifier {
    async fn send(&self, notifications: &[Notification]) -> Vec<Result<Receipt, Failure>> {
        // Mapped before the stream, and not by it: the compiler does not see that the closure takes a call of any lifetime.
        let made: Vec<_> = calls(notifications).into_iter().map(|call| self.make(call)).collect();
        let answers: Vec<Answers> = stream::iter(made).buffer_unordered(CONCURRENT_CALLS).collect().await;
        let mut answers: BTreeMap<usize, _> = answers.into_iter().flatten().collect();
        let unanswered = || Err(Failure::transient_because("AWS gave no answer for a notification"));
        (0..notifications.len()).map(|place| answers.remove(&place).unwrap_or_else(unanswered)).collect()
    }
}

/// Events for the same topic share calls; everything else is a call of its own.
fn calls(notifications: &[Notification]) -> Vec<Call<'_>> {
    let mut events: BTreeMap<Topic, Vec<(usize, &Event)>> = BTreeMap::new();
    let mut others = Vec::new();
    for (place, notification) in notifications.iter().enumerate() {
        match notification {
            Notification::Publish(topic, event) => events.entry(*topic).or_default().push((place, event)),
            Notification::Sms { phone, text } => others.push(Call::Sms(place, phone, text)),
            Notification::Mail { to, mail, about } => others.push(Call::Mail(place, to, mail, about)),
            Notification::Push { endpoint, push } => others.push(Call::Push(place, endpoint, push)),
        }
    }
    let batches = events.iter().flat_map(|(topic, events)| events.chunks(BATCH).map(|chunk| (*topic, chunk)));
    batches.map(|(topic, chunk)| Call::Publish(topic, chunk.to_vec())).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(sequence: u64) -> Event {
        let event = json!({
            "orderId": "ord-1", "customerId": "cus-1", "sequence": sequence, "eventType": "ORDER_CONFIRMED",
            "at": "2026-11-24T00:00:00.000Z", "actor": "payment", "cause": "AUTHORISE_PAYMENT", "messageId": "m", "status": "CONFIRMED",
            "paymentStatus": "AUTHORISED", "shipmentStatus": "NONE", "total": { "amount": 1, "currency": "GBP" },
        });
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn events_share_calls_by_topic_and_every_notification_keeps_its_place() {
        let sms = Notification::Sms { phone: "+447700900001".into(), text: "Shop: news".into() };
        let mut notifications = Vec::new();
        for sequence in 0..12 {
            notifications.push(Notification::Publish(Topic::OrderConfirmation, event(sequence)));
            notifications.push(sms.clone());
        }
        notifications.push(Notification::Publish(Topic::PaymentStatus, event(99)));
        let calls = calls(&notifications);
        let mut places = Vec::new();
        let mut batches = Vec::new();
        for call in &calls {
            match call {
                Call::Publish(_, events) => {
                    batches.push(events.len());
                    places.extend(events.iter().map(|(place, _)| *place));
                }
                Call::Sms(place, ..) | Call::Mail(place, ..) | Call::Push(place, ..) => places.push(*place),
            }
        }
        places.sort_unstable();
        assert_eq!(batches, [10, 2, 1]);
        assert_eq!(places, (0..notifications.len()).collect::<Vec<_>>());
    }
}
