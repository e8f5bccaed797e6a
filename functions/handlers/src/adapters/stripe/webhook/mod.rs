//! The gateway's webhooks: the signature is checked, then the event is read
//! (docs.stripe.com/webhooks/signature). It is a hint where to look, never a command: events come twice, late and out
//! of order.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use order_domain::id::OrderId;
use order_domain::time::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use super::objects::{ENVIRONMENT_LABEL, ORDER_LABEL};

/// How far the signature's time may lie from the time of receipt, as in Stripe's own libraries.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "Stripe-Signature";

/// An event, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayEvent {
    /// `evt_…`; the same event keeps it, however often it is sent.
    pub id: String,
    /// The event's type.
    pub kind: Kind,
    /// The order that the payment is labelled with; absent where it is none of ours.
    pub order_id: Option<OrderId>,
    /// The environment that the payment is labelled with.
    pub environment: Option<String>,
    /// The payment.
    pub payment_intent: Option<String>,
    /// The refund, where it is about one.
    pub refund: Option<String>,
}

/// The type of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `payment_intent.amount_capturable_updated`: the amount is authorised.
    Authorised,
    /// `payment_intent.payment_failed`: a card was declined.
    Failed,
    /// `payment_intent.canceled`: an authorisation was voided, or has expired.
    Cancelled,
    /// `payment_intent.succeeded`: the amount was captured.
    Captured,
    /// `charge.refunded`: the money, or a part of it, was refunded.
    Refunded,
    /// `refund.failed`: a refund that was reported as done has failed.
    RefundFailed,
    /// Another type, which means nothing here.
    Other(String),
}

/// Why a webhook is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// There is no secret to check it with.
    #[error("no webhook signing secret is known; put the gateway's `whsec_…` into the webhook secret")]
    NoSecret,
    /// The signature header is not as the gateway writes it.
    #[error("the webhook's {SIGNATURE_HEADER} header cannot be read: {problem}")]
    MalformedHeader {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No signature fits: another sender, another secret, or a changed body.
    #[error("no signature of the webhook fits the known secrets; check that they are those of this endpoint")]
    WrongSignature,
    /// The signature is too old, or from the future: a recorded webhook that is played again.
    #[error("the webhook was signed {seconds} s away from its receipt, and {} s are allowed", tolerance.as_secs())]
    OutsideTolerance {
        /// Seconds between signature and receipt.
        seconds: u64,
        /// How many may be.
        tolerance: Duration,
    },
    /// The body is signed but not an event. The parser's text is left out, because it can repeat the body.
    #[error("the webhook's body is not an event")]
    NotAnEvent,
}

/// The event of a webhook that one of `secrets` signed: two are known while a secret is changed. `now` is when the API
/// accepted it, not when it is processed: a queue may keep it for days.
///
/// # Errors
/// When the header, the signature, its age or the body is not as it must be.
pub fn verify(
    payload: &[u8],
    signature_header: &str,
    secrets: &[&str],
    now: Timestamp,
    tolerance: Duration,
) -> Result<GatewayEvent, WebhookError> {
    // HMAC takes an empty key, and everybody knows that one.
    let secrets: Vec<&str> = secrets.iter().copied().filter(|secret| !secret.is_empty()).collect();
    if secrets.is_empty() {
        return Err(WebhookError::NoSecret);
    }
    let header = Header::read(signature_header)?;
    if !secrets.iter().any(|secret| header.is_signed_with(secret, payload)) {
        return Err(WebhookError::WrongSignature);
    }
    let milliseconds = now.unix_milliseconds().abs_diff(header.seconds.saturating_mul(1000));
    if Duration::from_millis(milliseconds) > tolerance {
        return Err(WebhookError::OutsideTolerance { seconds: milliseconds / 1000, tolerance });
    }
    GatewayEvent::read(payload).ok_or(WebhookError::NotAnEvent)
}

/// `t=<seconds>,v1=<signature>[,v1=<signature>]`; other schemes are ignored, as Stripe asks.
struct Header<'a> {
    time: &'a str,
    seconds: i64,
    signatures: Vec<[u8; 32]>,
}

impl<'a> Header<'a> {
    fn read(text: &'a str) -> Result<Self, WebhookError> {
        let malformed = |problem| WebhookError::MalformedHeader { problem };
        let mut time = None;
        let mut signatures = Vec::new();
        // The API hands on the header's values under both of its spellings: one is empty, or both are the same.
        for element in text.split(',').filter(|element| !element.trim().is_empty()) {
            let (scheme, value) = element.trim().split_once('=').ok_or(malformed("an element has no `=`"))?;
            match scheme {
                "t" if time.is_some_and(|known| known != value) => return Err(malformed("it has two times")),
                "t" => time = Some(value),
                "v1" => {
                    signatures.push(hexadecimal(value).ok_or(malformed("a signature is not 64 hexadecimal digits"))?)
                }
                _ => {}
            }
        }
        let time = time.ok_or(malformed("it has no time"))?;
        let digits = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = time.parse().ok().filter(|_| digits).ok_or(malformed("its time is not a number"))?;
        if signatures.is_empty() {
            return Err(malformed("it has no v1 signature"));
        }
        Ok(Self { time, seconds, signatures })
    }

    /// Whether one of the signatures is the secret's. `verify_slice` takes the same time wherever the difference is.
    fn is_signed_with(&self, secret: &str, payload: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
        mac.update(self.time.as_bytes());
        mac.update(b".");
        mac.update(payload);
        self.signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    }
}

fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

impl GatewayEvent {
    /// Reads what is needed and nothing else: the gateway adds fields and types whenever it wants.
    fn read(payload: &[u8]) -> Option<Self> {
        let event: Value = serde_json::from_slice(payload).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let object = &event["data"]["object"];
        // A payment is named by its own id; a charge or a refund names its payment, as an id or as an object.
        let payment_intent = match object["object"].as_str() {
            Some("payment_intent") => text(&object["id"]),
            _ => text(&object["payment_intent"]).or_else(|| text(&object["payment_intent"]["id"])),
        };
        Some(Self {
            id: text(&event["id"])?,
            kind: Kind::of(event["type"].as_str()?),
            order_id: text(&object["metadata"][ORDER_LABEL]).and_then(|id| OrderId::new(id).ok()),
            environment: text(&object["metadata"][ENVIRONMENT_LABEL]),
            payment_intent,
            refund: text(&object["id"]).filter(|_| object["object"] == "refund"),
        })
    }
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "payment_intent.amount_capturable_updated" => Self::Authorised,
            "payment_intent.payment_failed" => Self::Failed,
            "payment_intent.canceled" => Self::Cancelled,
            "payment_intent.succeeded" => Self::Captured,
            "charge.refunded" => Self::Refunded,
            "refund.failed" => Self::RefundFailed,
            other => Self::Other(other.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
