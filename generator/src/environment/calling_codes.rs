//! The countries that customers may be sent SMS in.

use std::fmt;

use toml::de::DeValue;

use super::value::{self, Refusal, Refused, Setting};

/// Calling codes, at least one: a message to some countries costs a hundred times as much as one at home, and whoever
/// orders chooses the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingCodes(Vec<String>);

impl CallingCodes {
    /// The United Kingdom's, where a file says nothing.
    #[must_use]
    pub fn united_kingdom() -> Self {
        Self(vec!["+44".to_owned()])
    }

    /// The codes, such as `+44`.
    #[must_use]
    pub fn codes(&self) -> &[String] {
        &self.0
    }

    /// `+` and up to seven digits: a country's code, or the beginning of the numbers of a part of it.
    fn is_code(text: &str) -> bool {
        text.strip_prefix('+').is_some_and(|digits| {
            (1..=7).contains(&digits.len())
                && !digits.starts_with('0')
                && digits.bytes().all(|digit| digit.is_ascii_digit())
        })
    }
}

/// With commas between them, as the functions read them.
impl fmt::Display for CallingCodes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(","))
    }
}

impl Setting for CallingCodes {
    fn allowed() -> String {
        "an array of calling codes such as [\"+44\", \"+353\"]".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        let array = value.as_array().ok_or(Refusal::Type)?;
        let mut codes = Vec::with_capacity(array.len());
        for element in array.iter() {
            let code = value::text(element.get_ref())?;
            if !Self::is_code(code) {
                let shown = value::shown(element.get_ref());
                return Err(Refused::because(format!("{shown} is not a calling code")).into());
            }
            codes.push(code.to_owned());
        }
        if codes.is_empty() {
            return Err(Refused::because("nobody could be sent any; `sms = false` says so more plainly").into());
        }
        Ok(Self(codes))
    }
}
