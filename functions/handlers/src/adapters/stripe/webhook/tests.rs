//! Which webhooks are accepted, and which are refused.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const SECRET: &str = "whsec_one";
const SIGNED_AT: i64 = 1_764_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds).unwrap()
}

fn signature(secret: &str, time: &str, payload: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(payload);
    mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn header(secret: &str, payload: &[u8]) -> String {
    format!("t={SIGNED_AT},v1={}", signature(secret, &SIGNED_AT.to_string(), payload))
}

fn payload() -> Vec<u8> {
    json!({
        "id": "evt_1", "object": "event", "type": "payment_intent.amount_capturable_updated", "new": [1, 2],
        "data": { "object": { "id": "pi_1", "object": "payment_intent", "metadata": { "orderId": "ord-1" } } },
    })
    .to_string()
    .into_bytes()
}

fn verified(payload: &[u8], header: &str, secrets: &[&str], now: i64) -> Result<GatewayEvent, WebhookError> {
    verify(payload, header, secrets, at(now), TOLERANCE)
}

#[test]
fn a_header_that_came_under_both_spellings_or_only_one_is_the_same_header() {
    let header = header(SECRET, &payload());
    for both in [format!("{header},"), format!(",{header}"), format!("{header},{header}")] {
        assert!(verified(&payload(), &both, &[SECRET], SIGNED_AT).is_ok(), "{both}");
    }
}

#[test]
fn a_signed_event_is_read() {
    let event = verified(&payload(), &header(SECRET, &payload()), &[SECRET], SIGNED_AT).unwrap();
    assert_eq!((event.id.as_str(), &event.kind), ("evt_1", &Kind::Authorised));
    assert_eq!(event.order_id, OrderId::new("ord-1").ok());
    assert_eq!(event.payment_intent.as_deref(), Some("pi_1"));
}

/// Computed once with `openssl dgst -sha256 -hmac`, so that we do not only agree with ourselves.
#[test]
fn the_signature_is_stripes_and_not_only_ours() {
    let payload = br#"{"id":"evt_1","type":"charge.refunded"}"#;
    let header = "t=1764000000,v1=505a337ab778cd7ec9601e6ed59aa35333543c627c7542fb3a69d3f511ffbe83";
    assert!(verified(payload, header, &[SECRET], SIGNED_AT).is_ok());
}

#[test]
fn while_a_secret_is_changed_either_one_is_enough_on_either_side() {
    let (body, time) = (payload(), SIGNED_AT.to_string());
    let both = format!("t={time},v1={},v1={}", signature("old", &time, &body), signature("new", &time, &body));
    for secrets in [&["old"][..], &["new"], &["new", "old"], &["", "new"]] {
        assert!(verified(&body, &both, secrets, SIGNED_AT).is_ok(), "{secrets:?}");
    }
    assert!(verified(&body, &header("new", &body), &["old", "new"], SIGNED_AT).is_ok());
    assert_eq!(verified(&body, &both, &["other"], SIGNED_AT), Err(WebhookError::WrongSignature));
}

#[test]
fn every_webhook_is_refused_without_a_secret() {
    for secrets in [&[][..], &[""]] {
        assert_eq!(verified(&payload(), &header("", &payload()), secrets, SIGNED_AT), Err(WebhookError::NoSecret));
    }
}

#[test]
fn a_recorded_webhook_cannot_be_played_again_later() {
    let header = header(SECRET, &payload());
    for (now, fits) in [(-301, false), (-300, true), (300, true), (301, false)] {
        let result = verified(&payload(), &header, &[SECRET], SIGNED_AT + now);
        assert_eq!(result.is_ok(), fits, "{now}");
        if !fits {
            assert_eq!(result, Err(WebhookError::OutsideTolerance { seconds: 301, tolerance: TOLERANCE }));
        }
    }
}

#[test]
fn a_header_that_cannot_be_read_says_why() {
    let signature = "0".repeat(64);
    for (header, expected) in [
        (String::new(), "it has no time"),
        (",".into(), "it has no time"),
        ("nonsense".into(), "an element has no `=`"),
        (format!("v1={signature}"), "it has no time"),
        (format!("t=soon,v1={signature}"), "its time is not a number"),
        (format!("t=+1,v1={signature}"), "its time is not a number"),
        (format!("t=99999999999999999999,v1={signature}"), "its time is not a number"),
        (format!("t=1,t=2,v1={signature}"), "it has two times"),
        ("t=1".into(), "it has no v1 signature"),
        (format!("t=1,v0={signature}"), "it has no v1 signature"),
        ("t=1,v1=".into(), "a signature is not 64 hexadecimal digits"),
        ("t=1,v1=zz".into(), "a signature is not 64 hexadecimal digits"),
        (format!("t=1,v1={signature}0"), "a signature is not 64 hexadecimal digits"),
    ] {
        let error = verified(&payload(), &header, &[SECRET], SIGNED_AT);
        assert_eq!(error, Err(WebhookError::MalformedHeader { problem: expected }), "{header}");
    }
}

#[test]
fn unknown_fields_are_ignored_and_a_body_without_an_event_is_refused() {
    let read = |body: Value| {
        let body = body.to_string().into_bytes();
        verified(&body, &header(SECRET, &body), &[SECRET], SIGNED_AT)
    };
    let charge = json!({ "object": "charge", "id": "ch_1", "payment_intent": "pi_1", "metadata": { "orderId": "?" } });
    let refunded = read(json!({ "id": "evt_2", "type": "charge.refunded", "data": { "object": charge } })).unwrap();
    assert_eq!((refunded.kind, refunded.payment_intent.as_deref()), (Kind::Refunded, Some("pi_1")));
    assert_eq!(refunded.order_id, None);
    let labels = json!({ "orderId": "ord-1", "environment": "dev" });
    let refund =
        json!({ "object": "refund", "id": "re_1", "payment_intent": "pi_1", "status": "failed", "metadata": labels });
    let failed = read(json!({ "id": "evt_4", "type": "refund.failed", "data": { "object": refund } })).unwrap();
    assert_eq!((failed.kind, failed.refund.as_deref()), (Kind::RefundFailed, Some("re_1")));
    assert_eq!((failed.order_id, failed.environment.as_deref()), (OrderId::new("ord-1").ok(), Some("dev")));
    let other = read(json!({ "id": "evt_3", "type": "customer.created", "data": 7 })).unwrap();
    assert_eq!((other.kind, other.payment_intent), (Kind::Other("customer.created".into()), None));
    for body in [json!({}), json!([]), json!({ "id": "evt_1" }), json!({ "id": 1, "type": "charge.refunded" })] {
        assert_eq!(read(body.clone()), Err(WebhookError::NotAnEvent), "{body}");
    }
}

proptest! {
    #[test]
    fn whatever_is_signed_verifies_and_no_flipped_bit_does(
        body in prop::collection::vec(any::<u8>(), 1..200), secret in "[!-~]{1,40}", flip in any::<prop::sample::Index>()
    ) {
        let signed = header(&secret, &body);
        let result = verified(&body, &signed, &[&secret], SIGNED_AT);
        prop_assert!(matches!(result, Ok(_) | Err(WebhookError::NotAnEvent)), "{result:?}");

        let bit = flip.index(body.len() * 8);
        let mut changed = body.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(verified(&changed, &signed, &[&secret], SIGNED_AT), Err(WebhookError::WrongSignature));

        // In the header a flipped bit can turn a digit's case, which is the same digit.
        let mut bytes = signed.clone().into_bytes();
        let bit = flip.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = String::from_utf8(bytes) && !changed.eq_ignore_ascii_case(&signed) {
            let result = verified(&body, &changed, &[&secret], SIGNED_AT);
            prop_assert!(
                matches!(result, Err(WebhookError::WrongSignature | WebhookError::MalformedHeader { .. })), "{result:?}"
            );
        }
    }

    #[test]
    fn no_header_and_no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..50), header in ".{0,80}") {
        let _ = verified(&body, &header, &[SECRET], SIGNED_AT);
    }
}
