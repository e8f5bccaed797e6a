//! What SES tells of a mail after it took it: that it did not arrive, or was not wanted. EventBridge puts it into the queue of
//! the stage that sent the mail (docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html).

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::id::OrderId;

/// The tag of a mail with its order's id. SES repeats a mail's tags in whatever it tells of it.
pub const ORDER_ID_TAG: &str = "orderId";
/// The tag with the number of the event that the mail is about.
pub const SEQUENCE_TAG: &str = "sequence";
/// The tag that SES adds itself: the name of the configuration set that the mail was sent with.
pub const CONFIGURATION_SET_TAG: &str = "ses:configuration-set";

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MailFate {
    /// The customer's mail server does not take it.
    Bounced,
    /// The customer calls it unwanted.
    Complained,
    /// SES found malware in it, and did not send it.
    Rejected,
}

impl MailFate {
    /// Every one that is asked for.
    pub const ALL: [Self; 3] = [Self::Bounced, Self::Complained, Self::Rejected];

    /// What EventBridge calls it, as `detail-type`.
    #[must_use]
    pub const fn detail_type(self) -> &'static str {
        match self {
            Self::Bounced => "Email Bounced",
            Self::Complained => "Email Complaint Received",
            Self::Rejected => "Email Rejected",
        }
    }

    /// What SES's event destinations call it.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Bounced => "BOUNCE",
            Self::Complained => "COMPLAINT",
            Self::Rejected => "REJECT",
        }
    }
}

/// A mail that SES tells of. The customer's address, which the event holds too, is not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Document")]
pub struct MailEvent {
    /// The order that the mail was about.
    pub order_id: OrderId,
    /// The number of the event that it was about.
    pub sequence: u64,
    /// What became of it.
    pub fate: MailFate,
    /// Whether it bounced for good: there is no such mailbox. Otherwise it was full, or away, or the mail too large.
    pub permanent: bool,
}

/// Whether a message came from EventBridge, and not from a stage.
#[must_use]
pub fn is_from_event_bridge(message: &str) -> bool {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(rename = "detail-type")]
        _detail_type: IgnoredAny,
    }
    serde_json::from_str::<Envelope>(message).is_ok()
}

/// Why a document is no event of a mail of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAMailEvent {
    /// EventBridge calls it something that was not asked for.
    #[error("its detail-type is none that is asked for")]
    Kind,
    /// It does not say which event it is about.
    #[error("its mail has no readable `{ORDER_ID_TAG}` and `{SEQUENCE_TAG}` tags: it was not sent by this program")]
    Tags,
}

/// The event as EventBridge writes it, as far as it is read.
#[derive(Deserialize)]
struct Document {
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    mail: Mail,
    bounce: Option<Bounce>,
}

#[derive(Deserialize)]
struct Mail {
    tags: Tags,
}

/// A tag has a list of values; ours have one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tags {
    #[serde(default)]
    order_id: Vec<String>,
    #[serde(default)]
    sequence: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
}

impl TryFrom<Document> for MailEvent {
    type Error = NotAMailEvent;

    fn try_from(Document { detail_type, detail }: Document) -> Result<Self, NotAMailEvent> {
        let fate =
            MailFate::ALL.into_iter().find(|fate| fate.detail_type() == detail_type).ok_or(NotAMailEvent::Kind)?;
        let Tags { order_id, sequence } = detail.mail.tags;
        let ([order_id], [sequence]) = (order_id.as_slice(), sequence.as_slice()) else {
            return Err(NotAMailEvent::Tags);
        };
        Ok(Self {
            order_id: OrderId::new(order_id).map_err(|_| NotAMailEvent::Tags)?,
            sequence: sequence.parse().map_err(|_| NotAMailEvent::Tags)?,
            fate,
            permanent: detail.bounce.is_some_and(|bounce| bounce.bounce_type == "Permanent"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The example of the SES Developer Guide, "SES events schema reference", with our tags.
    fn bounced(bounce_type: &str) -> Value {
        json!({
            "version": "0", "id": "12a18625-3328-fafd-2aa5-a5e16310f3ea", "detail-type": "Email Bounced", "source": "aws.ses",
            "account": "123456789012", "time": "2024-08-05T15:36:16Z", "region": "eu-west-2",
            "resources": ["arn:aws:ses:eu-west-2:123456789012:configuration-set/mail-configuration-set-dev"],
            "detail": {
                "eventType": "Bounce",
                "bounce": {
                    "feedbackId": "01000191233a84d2", "bounceType": bounce_type, "bounceSubType": "General",
                    "bouncedRecipients": [{
                        "emailAddress": "ada@example.com", "action": "failed", "status": "5.1.1",
                        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                    }],
                    "timestamp": "2024-08-05T15:36:16.423Z", "reportingMTA": "dns; a8-50.smtp-out.amazonses.com",
                },
                "mail": {
                    "timestamp": "2024-08-05T15:36:15.000Z", "source": "orders@shop.example",
                    "messageId": "01000191233a7f21", "destination": ["ada@example.com"], "headersTruncated": false,
                    "tags": {
                        "ses:configuration-set": ["mail-configuration-set-dev"], "ses:caller-identity": ["contact"],
                        "orderId": ["ord-1"], "sequence": ["3"],
                    },
                },
            },
        })
    }

    fn read(document: &Value) -> Result<MailEvent, String> {
        serde_json::from_value(document.clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bounce_names_the_event_that_its_mail_was_about() {
        let order_id = OrderId::new("ord-1").unwrap();
        for (bounce_type, permanent) in [("Permanent", true), ("Transient", false), ("Undetermined", false)] {
            let expected = MailEvent { order_id: order_id.clone(), sequence: 3, fate: MailFate::Bounced, permanent };
            assert_eq!(read(&bounced(bounce_type)), Ok(expected));
        }
    }

    #[test]
    fn a_complaint_and_a_rejection_are_told_apart() {
        for fate in [MailFate::Complained, MailFate::Rejected] {
            let mut document = bounced("Permanent");
            document["detail-type"] = json!(fate.detail_type());
            document["detail"].as_object_mut().unwrap().remove("bounce");
            assert_eq!(read(&document).map(|event| (event.fate, event.permanent)), Ok((fate, false)));
        }
    }

    #[test]
    fn what_is_not_about_a_mail_of_ours_is_refused_without_its_addresses() {
        let tag = |name: &str, value: Value| {
            let mut document = bounced("Permanent");
            document["detail"]["mail"]["tags"][name] = value;
            document
        };
        let mut delivered = bounced("Permanent");
        delivered["detail-type"] = json!("Email Delivered");
        for document in [
            delivered,
            tag("orderId", json!([])),
            tag("orderId", json!(["ord-1", "ord-2"])),
            tag("orderId", json!(["ada@example.com"])),
            tag("sequence", json!(["-1"])),
        ] {
            let refused = read(&document).unwrap_err();
            assert!(!refused.contains('@'), "{refused}");
        }
    }
}
