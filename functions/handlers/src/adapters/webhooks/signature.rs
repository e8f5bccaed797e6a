//! Stripe's webhook signatures: `Stripe-Signature: t=<seconds>,v1=<hex of HMAC-SHA256(secret, "<t>.<payload>")>,…`.
//!
//! Source: docs.stripe.com/webhooks/signature.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use order_domain::time::Timestamp;
use sha2::Sha256;

/// How far the time of signing may lie from the time at which the API accepted the webhook; Stripe's own libraries allow
/// as much. What waits in our queue afterwards does not count.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Why a webhook is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotGenuine {
    /// The header has another form.
    #[error("the signature header holds no time and no v1 signature")]
    Malformed,
    /// It was signed too long before it was accepted, or after: a replay, or a wrong clock.
    #[error("it was signed {0} s away from its acceptance")]
    OutsideTheWindow(u64),
    /// No signature fits any secret.
    #[error("no signature fits")]
    NoSignatureFits,
}

/// Checks that one of the header's signatures was made with one of the secrets.
///
/// # Errors
/// Why not.
pub fn verify<'a>(
    payload: &str,
    header: &str,
    secrets: impl Iterator<Item = &'a str>,
    accepted_at: Timestamp,
) -> Result<(), NotGenuine> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time).ok_or(NotGenuine::Malformed)?;
    let signed_at = time.parse().ok().and_then(|seconds| Timestamp::from_unix_seconds(seconds).ok());
    let signed_at = signed_at.ok_or(NotGenuine::Malformed)?;
    let signatures: Vec<Vec<u8>> =
        parts().filter(|(name, _)| *name == "v1").filter_map(|(_, hex)| from_hex(hex)).collect();
    if signatures.is_empty() {
        return Err(NotGenuine::Malformed);
    }
    let signed = format!("{time}.{payload}");
    let fits = |secret: &str, signature: &[u8]| {
        // Constant time, so that nobody can feel their way to a signature. HMAC takes a key of any length.
        Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .is_ok_and(|mac| mac.chain_update(&signed).verify_slice(signature).is_ok())
    };
    let mut secrets = secrets.filter(|secret| !secret.is_empty());
    if !secrets.any(|secret| signatures.iter().any(|signature| fits(secret, signature))) {
        return Err(NotGenuine::NoSignatureFits);
    }
    let away = signed_at.since(accepted_at).max(accepted_at.since(signed_at));
    if away > TOLERANCE { Err(NotGenuine::OutsideTheWindow(away.as_secs())) } else { Ok(()) }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAYLOAD: &str = r#"{"id":"evt_1","note":"£ + & %"}"#;
    const SECRET: &str = "whsec_test";

    fn signed(secret: &str, time: i64, payload: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(format!("{time}.{payload}"));
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={time},v1={hex}")
    }

    fn check(payload: &str, header: &str, seconds: i64) -> Result<(), NotGenuine> {
        let accepted_at = Timestamp::from_unix_seconds(seconds).unwrap();
        verify(payload, header, [SECRET, "whsec_old"].into_iter(), accepted_at)
    }

    #[test]
    fn a_genuine_webhook_is_believed_for_five_minutes() {
        let header = signed(SECRET, 1000, PAYLOAD);
        assert_eq!(check(PAYLOAD, &header, 1000), Ok(()));
        assert_eq!(check(PAYLOAD, &header, 1300), Ok(()));
        assert_eq!(check(PAYLOAD, &header, 1301), Err(NotGenuine::OutsideTheWindow(301)));
        assert_eq!(check(PAYLOAD, &header, 600), Err(NotGenuine::OutsideTheWindow(400)));
    }

    #[test]
    fn while_the_secret_is_rotated_both_are_good_and_any_of_several_signatures() {
        assert_eq!(check(PAYLOAD, &signed("whsec_old", 1000, PAYLOAD), 1000), Ok(()));
        let header = format!("{},v0=00", signed(SECRET, 1000, PAYLOAD).replace(",v1", ",v1=00,v1"));
        assert_eq!(check(PAYLOAD, &header, 1000), Ok(()));
        assert_eq!(check(PAYLOAD, &signed("whsec_other", 1000, PAYLOAD), 1000), Err(NotGenuine::NoSignatureFits));
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let accepted_at = Timestamp::from_unix_seconds(1000).unwrap();
        let refused = verify(PAYLOAD, &signed("", 1000, PAYLOAD), [""].into_iter(), accepted_at);
        assert_eq!(refused, Err(NotGenuine::NoSignatureFits));
    }

    #[test]
    fn a_header_of_another_form_is_refused() {
        for header in ["", "t=1", "v1=00", "t=x,v1=00", "t=1,v1=zz", "t=1,v1=0", "t=99999999999999999999,v1=00", "é=1"]
        {
            assert_eq!(check(PAYLOAD, header, 1), Err(NotGenuine::Malformed), "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_changed_byte_goes_unnoticed(at in 0..PAYLOAD.len(), with in any::<char>()) {
            let mut changed: Vec<char> = PAYLOAD.chars().collect();
            let at = at % changed.len();
            prop_assume!(changed[at] != with);
            changed[at] = with;
            let changed: String = changed.into_iter().collect();
            prop_assert_eq!(check(&changed, &signed(SECRET, 1000, PAYLOAD), 1000), Err(NotGenuine::NoSignatureFits));
        }

        #[test]
        fn any_header_has_an_answer(header in "[tv01=,a-f0-9 é]{0,80}") {
            prop_assert!(check(PAYLOAD, &header, 1000).is_err());
        }
    }
}
