//! SES's reports about a mail that it accepted: it did not arrive, or was not wanted.
//!
//! EventBridge turns SES's event into a thin message for the contact stage, by one rule for each fate. No address and no
//! subject reaches a queue.
//! Source: docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use order_domain::id::OrderId;

/// The tag of a mail with its order's id. SES repeats a mail's tags in every event about it.
pub const ORDER_ID_TAG: &str = "orderId";
/// The tag with the number of the event that the mail is about.
pub const SEQUENCE_TAG: &str = "sequence";
/// The tag that SES adds itself: the name of the configuration set that the mail was sent with.
pub const CONFIGURATION_SET_TAG: &str = "ses:configuration-set";

/// Why a mail failed after SES accepted it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::VariantArray,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MailFate {
    /// The customer's mail server has no such mailbox. If it said so for an earlier mail, SES did not try this one.
    Bounced,
    /// The customer's mail server did not accept the mail for as long as SES tried, e.g. because the mailbox is full.
    ///
    /// An out-of-office answer is not one of them: the mailbox has the mail. SES reports it as a bounce too, `Transient` and
    /// `General` like a failed delivery, but without a recipient that failed.
    NotTaken,
    /// The customer marked the mail, or an earlier one, as unwanted. Not every provider reports this.
    Complained,
    /// SES found malware in the mail and did not send it.
    Rejected,
}

impl MailFate {
    /// All fates.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The event type in SES's event destinations.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Bounced | Self::NotTaken => "BOUNCE",
            Self::Complained => "COMPLAINT",
            Self::Rejected => "REJECT",
        }
    }

    /// The event's `detail-type` in EventBridge.
    #[must_use]
    pub const fn detail_type(self) -> &'static str {
        match self {
            Self::Bounced | Self::NotTaken => "Email Bounced",
            Self::Complained => "Email Complaint Received",
            Self::Rejected => "Email Rejected",
        }
    }

    /// The difference from other events of its type: an object of the event's detail, and an event pattern for its fields
    /// (docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html).
    #[must_use]
    pub fn told_apart_by(self) -> Option<(&'static str, Value)> {
        match self {
            Self::Bounced => Some(("bounce", json!({ "bounceType": ["Permanent"] }))),
            Self::NotTaken => {
                let any_other = json!({ "bounceSubType": [{ "anything-but": ["General"] }] });
                let reported = json!({ "bouncedRecipients": { "action": ["failed"] } });
                let types = json!(["Transient", "Undetermined"]);
                Some(("bounce", json!({ "bounceType": types, "$or": [any_other, reported] })))
            }
            Self::Complained => {
                // `not-spam` withdraws a complaint.
                let kinds = json!([{ "exists": false }, { "anything-but": ["not-spam"] }]);
                Some(("complaint", json!({ "complaintFeedbackType": kinds })))
            }
            Self::Rejected => None,
        }
    }
}

/// The message to the contact stage about a failed mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MailReport {
    /// Why the mail failed.
    pub mail: MailFate,
    /// The order that the mail is about.
    pub order_id: OrderId,
    /// The number of the event that the mail is about.
    #[serde(deserialize_with = "written_as_text")]
    pub sequence: u64,
}

impl MailReport {
    /// The message of a fate as an EventBridge template, with placeholders for the mail's order and event. EventBridge quotes
    /// the values that it fills in.
    #[must_use]
    pub fn template(mail: MailFate, order_id: &str, sequence: &str) -> String {
        format!(r#"{{"mail":"{}","orderId":{order_id},"sequence":{sequence}}}"#, mail.name())
    }
}

/// A tag's value is always a text.
fn written_as_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom("the sequence is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_event_bridge_is_a_report() {
        for mail in MailFate::ALL.iter().copied() {
            let text = MailReport::template(mail, r#""ord-1""#, r#""3""#);
            let report: MailReport = serde_json::from_str(&text).unwrap();
            assert_eq!(report, MailReport { mail, order_id: OrderId::new("ord-1").unwrap(), sequence: 3 });
        }
    }

    #[test]
    fn a_report_without_a_valid_order_and_event_is_refused() {
        for (order_id, sequence) in [
            (r#""ada@example.com""#, r#""3""#),
            (r#""ord-1""#, r#""ada@example.com""#),
            (r#""ord-1""#, r#""-1""#),
            ("null", "null"),
            (r#""ord-1","to":"ada@example.com""#, r#""3""#),
        ] {
            let text = MailReport::template(MailFate::Bounced, order_id, sequence);
            assert!(serde_json::from_str::<MailReport>(&text).is_err(), "{text}");
        }
    }
}
