//! An address that alarms are sent to, or that customers' e-mails come from.

use std::fmt;

use toml::de::DeValue;

use super::value::{self, Refusal, Refused, Setting};

/// An e-mail address that SNS and SES will accept. Whether someone reads it is shown by their own confirmation mail, so
/// this refuses only what can never be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The longest address that SMTP carries (RFC 5321).
    const LONGEST: usize = 254;

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn check(text: &str) -> Result<Self, Refused> {
        let refuse = |why: &str| Err(Refused::because(why));
        if text.len() > Self::LONGEST {
            return refuse("it is longer than 254 characters");
        }
        let Some((mailbox, domain)) = text.split_once('@') else {
            return refuse("it has no @");
        };
        let mailbox_character = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-.".contains(c);
        if mailbox.is_empty() || !mailbox.chars().all(mailbox_character) {
            return refuse("the part before the @ is not a valid mailbox name");
        }
        let label = |label: &str| {
            !label.is_empty()
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if !domain.contains('.') || !domain.split('.').all(label) {
            return refuse("the part after the @ is not a valid domain name");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Setting for EmailAddress {
    fn allowed() -> String {
        "an e-mail address such as \"on-call@example.com\"; leave the line out for none".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        Ok(Self::check(value::text(value)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_pass() {
        for address in ["on-call@example.com", "a.b+alarms@mail.example.co.uk", "${x}@example.com"] {
            assert!(EmailAddress::check(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn what_can_never_be_delivered_is_refused() {
        for address in ["", "nobody", "@example.com", "a@", "a@b", "a@@b.c", "a b@c.d", "a@b..c", "a@-b.c", "a@b.c\n"] {
            assert!(EmailAddress::check(address).is_err(), "{address:?}");
        }
        assert!(EmailAddress::check(&format!("{}@example.com", "a".repeat(260))).is_err());
    }
}
