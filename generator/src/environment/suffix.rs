//! The suffix that names an environment and ends the name of everything in it.

use std::fmt;
use std::str::FromStr;

use toml::de::DeValue;

use super::value::{self, Refusal, Refused, Setting};

/// An environment's suffix: a lower-case letter, then up to eleven lower-case letters, digits and hyphens, the last
/// of them no hyphen. Twelve characters keep the longest resource name within AWS's 64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suffix(String);

/// A text that cannot be a suffix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be an environment's suffix: {refused}. Allowed: {}", text.escape_debug(), Suffix::ALLOWED)]
pub struct BadSuffix {
    text: String,
    refused: Refused,
}

impl Suffix {
    const LONGEST: usize = 12;

    /// What a suffix may be, for messages and help.
    pub const ALLOWED: &str = "1 to 12 characters: a lower-case letter first, then lower-case letters, digits and \
                               hyphens, with no hyphen at the end";

    /// The suffix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn check(text: &str) -> Result<Self, Refused> {
        let refuse = |why: &str| Err(Refused::because(why));
        match text.chars().next() {
            None => return refuse("it is empty"),
            Some('a'..='z') => {}
            Some(_) => return refuse("it does not start with a lower-case letter"),
        }
        if let Some(wrong) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(Refused::because(format!("it contains {wrong:?}")));
        }
        if text.len() > Self::LONGEST {
            return Err(Refused::because(format!("it is {} characters long", text.len())));
        }
        if text.ends_with('-') {
            return refuse("it ends with a hyphen");
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Suffix {
    type Err = BadSuffix;

    fn from_str(text: &str) -> Result<Self, BadSuffix> {
        Self::check(text).map_err(|refused| BadSuffix { text: text.chars().take(80).collect(), refused })
    }
}

impl fmt::Display for Suffix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Setting for Suffix {
    fn allowed() -> String {
        Self::ALLOWED.to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        Ok(Self::check(value::text(value)?)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_of_the_documented_shape_is_a_suffix(text in "[a-z]([a-z0-9-]{0,10}[a-z0-9])?") {
            let suffix = text.parse::<Suffix>().unwrap();
            prop_assert_eq!(suffix.as_str(), text);
        }

        #[test]
        fn no_other_text_is_a_suffix(text in any::<String>()) {
            let allowed = (1..=12).contains(&text.len())
                && text.starts_with(|c: char| c.is_ascii_lowercase())
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !text.ends_with('-');
            prop_assert_eq!(text.parse::<Suffix>().is_ok(), allowed);
        }

        #[test]
        fn a_suffix_with_one_wrong_character_names_it(start in "[a-z][a-z0-9]{0,4}", wrong in "[A-Z_./ \"$é]") {
            let refusal = format!("{start}{wrong}").parse::<Suffix>().unwrap_err().to_string();
            let shown = format!("it contains {:?}", wrong.chars().next().unwrap());
            prop_assert!(refusal.contains(&shown), "{}", refusal);
        }
    }

    #[test]
    fn a_refusal_says_the_value_why_and_what_is_allowed() {
        let refusal = "Prod".parse::<Suffix>().unwrap_err().to_string();
        assert_eq!(
            refusal,
            "`Prod` cannot be an environment's suffix: it does not start with a lower-case letter. Allowed: 1 to 12 \
             characters: a lower-case letter first, then lower-case letters, digits and hyphens, with no hyphen at \
             the end"
        );
    }

    #[test]
    fn the_thirteenth_character_and_a_last_hyphen_are_refused() {
        assert!("abcdefghijkl".parse::<Suffix>().is_ok());
        assert!("abcdefghijklm".parse::<Suffix>().unwrap_err().to_string().contains("13 characters long"));
        assert!("dev-".parse::<Suffix>().unwrap_err().to_string().contains("ends with a hyphen"));
        assert!("".parse::<Suffix>().unwrap_err().to_string().contains("it is empty"));
    }
}
