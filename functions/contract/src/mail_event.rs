//! What SES tells of a mail after it took it: that it did not arrive, or was not wanted.
//!
//! EventBridge turns what SES writes into a thin message for the stage that sent the mail, by a rule for each fate: no address
//! and no subject reaches a queue.
//! Source: docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use order_domain::id::OrderId;

/// The tag of a mail with its order's id. SES repeats a mail's tags in whatever it tells of it.
pub const ORDER_ID_TAG: &str = "orderId";
/// The tag with the number of the event that the mail is about.
pub const SEQUENCE_TAG: &str = "sequence";
/// The tag that SES adds itself: the name of the configuration set that the mail was sent with.
pub const CONFIGURATION_SET_TAG: &str = "ses:configuration-set";

/// What became of a mail that did not do what it was sent for.
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
    /// The customer's mail server has no such mailbox, or said so of an earlier mail: then this one was not tried.
    Bounced,
    /// The customer's mail server took it not, for as long as SES tried: a full mailbox, a mail that it finds too large.
    ///
    /// The answer of somebody who is away, whose mailbox has the mail, is not among them, although SES calls it a bounce, too:
    /// `Transient` and `General`, as what it could not deliver for hours, but without a report that says so.
    NotTaken,
    /// The customer calls it, or an earlier one, unwanted. Not every provider tells.
    Complained,
    /// SES found malware in it, and did not send it.
    Rejected,
}

impl MailFate {
    /// Every one that is asked for.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What SES's event destinations call it.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Bounced | Self::NotTaken => "BOUNCE",
            Self::Complained => "COMPLAINT",
            Self::Rejected => "REJECT",
        }
    }

    /// What EventBridge calls it, as `detail-type`.
    #[must_use]
    pub const fn detail_type(self) -> &'static str {
        match self {
            Self::Bounced | Self::NotTaken => "Email Bounced",
            Self::Complained => "Email Complaint Received",
            Self::Rejected => "Email Rejected",
        }
    }

    /// What tells it from others of its type: an object of the event's detail, and an event pattern for its fields
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
                // `not-spam` takes a complaint back.
                let kinds = json!([{ "exists": false }, { "anything-but": ["not-spam"] }]);
                Some(("complaint", json!({ "complaintFeedbackType": kinds })))
            }
            Self::Rejected => None,
        }
    }
}

/// What the contact stage is told of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MailReport {
    /// What became of it.
    pub mail: MailFate,
    /// The order that it was about.
    pub order_id: OrderId,
    /// The number of the event that it was about.
    #[serde(deserialize_with = "written_as_text")]
    pub sequence: u64,
}

impl MailReport {
    /// The message of a fate, with what stands for a mail's order and event in it: what EventBridge puts in place of `<name>` it
    /// quotes itself.
    #[must_use]
    pub fn template(mail: MailFate, order_id: &str, sequence: &str) -> String {
        format!(r#"{{"mail":"{}","orderId":{order_id},"sequence":{sequence}}}"#, mail.name())
    }
}

/// A tag's value is a text, whatever it says.
fn written_as_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom("the sequence is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_event_bridge_writes_is_a_report() {
        for mail in MailFate::ALL.iter().copied() {
            let text = MailReport::template(mail, r#""ord-1""#, r#""3""#);
            let report: MailReport = serde_json::from_str(&text).unwrap();
            assert_eq!(report, MailReport { mail, order_id: OrderId::new("ord-1").unwrap(), sequence: 3 });
        }
    }

    #[test]
    fn what_names_no_event_of_an_order_is_no_report_and_no_address_gets_into_the_refusal() {
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
