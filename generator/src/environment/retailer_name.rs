//! The retailer's name, which ends up in customers' messages.

use std::fmt;

use toml::de::DeValue;

use super::value::{self, Refusal, Refused, Setting};

/// The retailer's name in an SMS or a mail: any language, one line, nothing invisible.
/// Quotes, `${` and the like are fine: the generator escapes every literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetailerName(String);

impl RetailerName {
    /// An SMS has 160 characters (70 outside the GSM alphabet), and the order needs some of them.
    const LONGEST: usize = 40;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn check(text: &str) -> Result<Self, Refused> {
        let refuse = |why: &str| Err(Refused::because(why));
        if text.trim().is_empty() {
            return refuse("it is empty");
        }
        if text.trim() != text {
            return refuse("it starts or ends with a space");
        }
        if let Some(wrong) = text.chars().find(|c| invisible(*c)) {
            return Err(Refused::because(format!(
                "it contains the control or invisible character U+{:04X}",
                u32::from(wrong)
            )));
        }
        match text.chars().count() {
            0..=Self::LONGEST => Ok(Self(text.to_owned())),
            length => Err(Refused::because(format!("it is {length} characters long"))),
        }
    }
}

/// Control characters, and those that break or reorder a line without being seen.
fn invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

impl fmt::Display for RetailerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Setting for RetailerName {
    fn allowed() -> String {
        format!("1 to {} visible characters on one line", Self::LONGEST)
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        Ok(Self::check(value::text(value)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_language_and_with_any_punctuation_pass() {
        for name in ["Example Retail", "Fish & \"Chips\" ${tea} %{if}", "Ünïcode – 商店 🫖", "O'Neil\\Sons"] {
            assert_eq!(RetailerName::check(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_a_customer_could_not_read_is_refused() {
        for name in ["", " ", " Shop", "Shop ", "two\nlines", "bell\u{7}", "rtl\u{202E}pohs", "zero\u{200B}width"] {
            assert!(RetailerName::check(name).is_err(), "{name:?}");
        }
        assert!(RetailerName::check(&"x".repeat(40)).is_ok());
        assert_eq!(RetailerName::check(&"x".repeat(41)).unwrap_err().to_string(), "it is 41 characters long");
    }
}
