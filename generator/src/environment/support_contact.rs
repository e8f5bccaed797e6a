//! The retailer's customer service, which every e-mail to a customer names.

use std::fmt;

use toml::de::DeValue;

use super::EmailAddress;
use super::value::{self, Refusal, Refused, Setting};

/// An e-mail address, or the URL of a page that starts with `https://`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportContact(String);

impl SupportContact {
    const HTTPS: &str = "https://";
    /// As long as an e-mail address may be; a customer has to be able to type it.
    const LONGEST: usize = 254;

    /// The contact as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn check(text: &str) -> Result<Self, Refused> {
        let refuse = |why: &str| Err(Refused::because(why));
        let Some(page) = text.strip_prefix(Self::HTTPS) else {
            if text.contains("://") {
                return refuse("a URL has to start with https://");
            }
            return EmailAddress::check(text).map(|address| Self(address.to_string()));
        };
        if text.len() > Self::LONGEST {
            return refuse("it is longer than 254 characters");
        }
        if !text.chars().all(|c| c.is_ascii_graphic() && !"\"'<>\\^`{|}".contains(c)) {
            return refuse("it contains a character that a URL has to encode");
        }
        let host = page.split(['/', '?', '#']).next().unwrap_or_default();
        let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !host.contains('.') || !host.split('.').all(label) {
            return refuse("what follows https:// is not a host name");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SupportContact {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Setting for SupportContact {
    fn allowed() -> String {
        "an e-mail address such as \"help@example.com\" or a page such as \"https://example.com/help\"".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        Ok(Self::check(value::text(value)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_a_secure_page_pass() {
        for contact in ["help@example.com", "https://example.com/help", "https://help.example.co.uk"] {
            assert_eq!(SupportContact::check(contact).unwrap().as_str(), contact);
        }
    }

    #[test]
    fn a_contact_that_a_customer_cannot_use_is_refused() {
        for contact in [
            "",
            "help",
            "http://example.com",
            "https://",
            "https://localhost",
            "https://a b.com",
            "https://example.com/\n",
            "https://example.com/\"><script>",
            "javascript:alert(1)",
            "help@example.com\u{7}",
        ] {
            assert!(SupportContact::check(contact).is_err(), "{contact:?}");
        }
    }
}
