//! Reads whole numbers from a sheet.

use std::ops::RangeInclusive;

/// The number in a text, or what is wrong with it.
pub(super) fn whole(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (least, most) = range.clone().into_inner();
    let expected = format!("a whole number from {least} to {most}, in digits only");
    match text {
        "" => Err(format!("is empty; write {expected}")),
        _ if text.strip_prefix(['-', '\u{2212}']).is_some_and(digits) => Err(format!("is negative; write {expected}")),
        _ if !digits(text) => Err(format!("is not a whole number; write {expected}")),
        _ => match text.parse::<u64>() {
            Ok(number) if number < least => Err(format!("is too small; write {expected}")),
            Ok(number) if range.contains(&number) => Ok(number),
            // Digits only, so it is the size.
            Ok(_) | Err(_) => Err(format!("is too large; write {expected}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_within_its_range() {
        assert_eq!(whole("0", 0..=9), Ok(0));
        assert_eq!(whole("007", 0..=9), Ok(7));
        for (text, problem) in [
            ("", "is empty"),
            ("-3", "is negative"),
            ("\u{2212}3", "is negative"),
            ("0", "is too small"),
            ("10", "is too large"),
            ("99999999999999999999999999", "is too large"),
            ("1.5", "is not a whole number"),
            ("1,5", "is not a whole number"),
            ("+5", "is not a whole number"),
            ("5 pcs", "is not a whole number"),
            ("٣", "is not a whole number"),
            ("-", "is not a whole number"),
        ] {
            let error = whole(text, 1..=9).unwrap_err();
            assert!(error.starts_with(problem) && error.contains("from 1 to 9"), "{text}: {error}");
        }
    }
}
