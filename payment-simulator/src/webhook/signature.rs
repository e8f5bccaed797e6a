//! The header that proves who sent a webhook (docs.stripe.com/webhooks/signature).

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header of a webhook that is signed at a moment, `t=<seconds>,v1=<signature>`, with one signature for each secret.
#[must_use]
pub fn header(secrets: &[String], seconds: i64, body: &str) -> String {
    let mut header = format!("t={seconds}");
    for secret in secrets {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { continue };
        mac.update(format!("{seconds}.{body}").as_bytes());
        header.push_str(",v1=");
        for byte in mac.finalize().into_bytes() {
            // Writing into a String cannot fail.
            let _ = write!(header, "{byte:02x}");
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed once with `openssl dgst -sha256 -hmac`.
    #[test]
    fn a_signature_is_stripes() {
        let header = header(&["whsec_one".into()], 1_764_000_000, r#"{"id":"evt_1","type":"charge.refunded"}"#);
        assert_eq!(header, "t=1764000000,v1=505a337ab778cd7ec9601e6ed59aa35333543c627c7542fb3a69d3f511ffbe83");
    }
}
