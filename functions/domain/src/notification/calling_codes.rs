//! The countries whose numbers may be sent text messages: a text to the wrong country costs many times as much.

use std::str::FromStr;

/// The calling codes that are permitted, at least one.
///
/// No calling code is the beginning of another country's (ITU-T E.164), so the beginning of a number tells; only `+1` is
/// shared, by the countries of the North American plan, which are told apart by a longer code such as `+1876`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingCodes(Vec<String>);

/// A text that is not a list of calling codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("calling codes are + and 1 to 7 digits, separated by commas, such as +44,+353")]
pub struct InvalidCallingCodes;

impl CallingCodes {
    /// The default of an environment: the United Kingdom's code.
    #[must_use]
    pub fn united_kingdom() -> Self {
        Self(vec!["+44".to_owned()])
    }

    /// Whether a number in E.164 form may be sent text messages.
    #[must_use]
    pub fn permit(&self, number: &str) -> bool {
        self.0.iter().any(|code| number.starts_with(code.as_str()))
    }
}

impl FromStr for CallingCodes {
    type Err = InvalidCallingCodes;

    fn from_str(text: &str) -> Result<Self, InvalidCallingCodes> {
        let codes = text.split(',').map(str::trim).map(|code| {
            let digits = code.strip_prefix('+').filter(|digits| (1..=7).contains(&digits.len()));
            let is_code = digits
                .is_some_and(|digits| !digits.starts_with('0') && digits.bytes().all(|digit| digit.is_ascii_digit()));
            if is_code { Ok(code.to_owned()) } else { Err(InvalidCallingCodes) }
        });
        codes.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_permitted_by_its_calling_code() {
        let codes: CallingCodes = "+44, +353".parse().unwrap();
        assert!(codes.permit("+447700900001") && codes.permit("+353861234567"));
        for other in ["+4915112345678", "+35212345678", "07700900001", "447700900001", "", " +447700900001"] {
            assert!(!codes.permit(other), "{other:?}");
        }
    }

    #[test]
    fn an_invalid_list_of_calling_codes_is_refused() {
        for wrong in ["", "44", "+", "+44,", "+0", "+44 20", "+44;+1", "+12345678", "+4a"] {
            assert_eq!(wrong.parse::<CallingCodes>(), Err(InvalidCallingCodes), "{wrong:?}");
        }
    }
}
