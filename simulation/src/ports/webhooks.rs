//! The gateway's webhooks as the stages see them: a signature over the body and the time of sending, with a secret that
//! only the gateway and we know.

use order_domain::id::OrderId;
use order_domain::time::Timestamp;
use order_handlers::failure::Failure;
use order_handlers::ports::{GatewayEvent, GatewayEventKind, Signed, Webhook, Webhooks};
use serde::{Deserialize, Serialize};

use super::{Call, Ports};
use crate::mutation::Mutation;

/// How far the signature's time may lie from the time of receipt, in milliseconds.
const TOLERANCE: u64 = 5 * 60_000;
/// What the gateway signs with, and what somebody else might.
pub(crate) const SECRET: u64 = 0x5eed_0f5e_c3e7;

/// A webhook's body.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    pub(crate) order_id: OrderId,
    pub(crate) payment_intent: String,
    pub(crate) canceled: bool,
    pub(crate) held: bool,
    /// A refund that came back from the bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refund: Option<String>,
}

/// The signature of a body: stands for an HMAC (FNV-1a over secret, time and body).
pub(crate) fn signature(secret: u64, at: Timestamp, body: &str) -> String {
    let time = at.unix_milliseconds();
    let bytes = secret.to_le_bytes().into_iter().chain(time.to_le_bytes()).chain(body.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("t={time},v1={hash:016x}")
}

impl Webhooks for Ports {
    async fn verify(&self, payload: &str, signed: &Signed) -> Result<Webhook, Failure> {
        let Signed { signature: given, accepted_at } = signed;
        // The secret is read; most warm processes know it.
        self.reach(Call::Read, None).await?;
        let time = given.strip_prefix("t=").and_then(|rest| rest.split(',').next()).and_then(|time| time.parse().ok());
        let Some(signed_at) = time.and_then(|time| Timestamp::from_unix_milliseconds(time).ok()) else {
            return Ok(Webhook::Refused("the signature has no time".to_owned()));
        };
        let genuine = signature(SECRET, signed_at, payload) == *given || self.makes(Mutation::SignatureUnchecked);
        let age = accepted_at.unix_milliseconds().abs_diff(signed_at.unix_milliseconds());
        match serde_json::from_str::<Body>(payload) {
            _ if !genuine => Ok(Webhook::Refused("no signature fits".to_owned())),
            _ if age > TOLERANCE => Ok(Webhook::Refused("it was signed long ago".to_owned())),
            Err(_) => Ok(Webhook::Refused("it is no event".to_owned())),
            Ok(body) => Ok(Webhook::Genuine(GatewayEvent {
                kind: match body.refund {
                    Some(refund) => GatewayEventKind::RefundFailed { refund },
                    None if body.canceled => GatewayEventKind::Canceled,
                    None if body.held => GatewayEventKind::Authorised,
                    None => GatewayEventKind::Other,
                },
                order_id: Some(body.order_id),
                payment_intent: body.payment_intent,
            })),
        }
    }
}
