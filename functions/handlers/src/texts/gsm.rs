//! The alphabet of text messages (GSM 03.38, 3GPP TS 23.038 section 6.2.1), and how many parts a text takes in it.
//!
//! A text within the alphabet takes 7 bits a character: 160 in one part. A single character outside of it makes the whole
//! text UCS-2: 70 in one part, and every part is paid for.

use deunicode::deunicode_char;

/// Septets of a text that takes one part.
pub const SEPTETS: usize = 160;
/// Septets of each part of a longer text: 7 go to the header that joins the parts.
const SEPTETS_OF_MANY: usize = 153;
/// UTF-16 units of a text that takes one part, where it has a character outside of the alphabet.
const UNITS: usize = 70;
/// UTF-16 units of each part of such a text.
const UNITS_OF_MANY: usize = 67;

/// The characters that take one septet, other than `A` to `Z`, `a` to `z` and digits.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// The characters that take two: an escape and one more.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// How many septets a character takes; `None` where the alphabet does not have it.
fn septet_count(character: char) -> Option<usize> {
    if character.is_ascii_alphanumeric() || BASIC.contains(character) {
        Some(1)
    } else {
        EXTENSION.contains(character).then_some(2)
    }
}

/// How many septets a text takes; `None` where the alphabet lacks one of its characters.
#[must_use]
pub fn septets(text: &str) -> Option<usize> {
    text.chars().map(septet_count).sum()
}

/// How many parts a text is sent, and paid for, in.
#[must_use]
pub fn sms_parts(text: &str) -> usize {
    match text.chars().map(septet_count).collect::<Option<Vec<_>>>() {
        Some(sizes) => parts(&sizes, SEPTETS, SEPTETS_OF_MANY),
        None => parts(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), UNITS, UNITS_OF_MANY),
    }
}

/// A character is never split between two parts.
fn parts(sizes: &[usize], one: usize, each_of_many: usize) -> usize {
    if sizes.iter().sum::<usize>() <= one {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for size in sizes {
        if used + size > each_of_many {
            (parts, used) = (parts + 1, 0);
        }
        used += size;
    }
    parts
}

/// A text of one line within the alphabet: other characters are replaced by the nearest ones of the alphabet, or left out if
/// there are none.
#[must_use]
pub fn transliterated(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match septet_count(character) {
            Some(_) if !character.is_control() => written.push(character),
            _ if character.is_control() => written.push(' '),
            _ => written.extend(deunicode_char(character).unwrap_or_default().chars().filter(|c| !c.is_control())),
        }
    }
    // A backtick is ASCII, and still no character of the alphabet.
    written.retain(|character| septet_count(character).is_some());
    written.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The sign in place of the part that was cut off.
const CUT: &str = "..";

/// The text's beginning, in at most so many septets (2 or more).
#[must_use]
pub fn cut_at_the_end(text: &str, most: usize) -> String {
    if septets(text).is_some_and(|length| length <= most) {
        return text.to_owned();
    }
    let kept = beginning(text.chars(), most.saturating_sub(CUT.len()));
    format!("{}{CUT}", kept.into_iter().collect::<String>().trim_end())
}

/// The text's beginning and end, in at most so many septets (2 or more): identifiers are told apart by their ends.
#[must_use]
pub fn cut_in_the_middle(text: &str, most: usize) -> String {
    if septets(text).is_some_and(|length| length <= most) {
        return text.to_owned();
    }
    let kept = most.saturating_sub(CUT.len());
    let head = beginning(text.chars(), kept / 2);
    let tail = beginning(text.chars().rev(), kept - kept / 2);
    head.into_iter().chain(CUT.chars()).chain(tail.into_iter().rev()).collect()
}

fn beginning(characters: impl Iterator<Item = char>, most: usize) -> Vec<char> {
    let mut used = 0;
    characters
        .take_while(|character| {
            used += septet_count(*character).unwrap_or(SEPTETS);
            used <= most
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_within_the_alphabet_has_160_septets_in_one_part_and_153_in_each_of_many() {
        for (length, parts) in [(0, 1), (1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)] {
            assert_eq!(sms_parts(&"a".repeat(length)), parts, "{length}");
        }
        assert_eq!(sms_parts(&"£".repeat(160)), 1);
    }

    #[test]
    fn a_character_of_the_extension_takes_two_septets_and_is_not_split() {
        assert_eq!(septets("€[]"), Some(6));
        assert_eq!((sms_parts(&"€".repeat(80)), sms_parts(&"€".repeat(81))), (1, 2));
        // 76 of them fit into the 153 septets of a part, so that 153 need three parts, not two.
        assert_eq!((sms_parts(&"€".repeat(152)), sms_parts(&"€".repeat(153))), (2, 3));
    }

    #[test]
    fn one_character_outside_of_the_alphabet_makes_the_text_ucs_2() {
        assert_eq!(septets("ś"), None);
        for (length, parts) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)] {
            assert_eq!(sms_parts(&"ś".repeat(length)), parts, "{length}");
        }
        assert_eq!(sms_parts(&format!("{}`", "a".repeat(70))), 2);
        // A character of two units is not split: 33 of them fit into the 67 units of a part.
        assert_eq!((sms_parts(&"🦄".repeat(35)), sms_parts(&"🦄".repeat(66)), sms_parts(&"🦄".repeat(67))), (1, 2, 3));
    }

    #[test]
    fn a_character_outside_of_the_alphabet_is_replaced_by_the_nearest_one() {
        for (text, written) in [
            ("Zürich £5 €3", "Zürich £5 €3"),
            ("Łódź “Poczta”", "Lodz \"Poczta\""),
            ("O’Brien — Post…", "O'Brien -- Post..."),
            ("a\r\nb\tc\u{0}d\u{1b}e", "a b c d e"),
            ("ya`ya\u{202e}x", "yayax"),
            ("日本", "Ri Ben"),
            (" ", ""),
        ] {
            assert_eq!(transliterated(text), written, "{text:?}");
        }
    }

    #[test]
    fn a_cut_text_keeps_its_beginning_or_both_its_ends() {
        assert_eq!(cut_at_the_end("Royal Mail", 10), "Royal Mail");
        assert_eq!(cut_at_the_end("Royal Mail Special", 8), "Royal..");
        assert_eq!(cut_in_the_middle("ord-123456789", 8), "ord..789");
    }

    proptest! {
        #[test]
        fn a_transliteration_is_within_the_alphabet_on_one_line(text in any::<String>()) {
            let written = transliterated(&text);
            prop_assert!(septets(&written).is_some(), "{written:?}");
            prop_assert!(!written.contains(char::is_control), "{written:?}");
        }

        #[test]
        fn a_cut_text_is_never_longer_than_asked(text in any::<String>(), most in 2_usize..80) {
            let text = transliterated(&text);
            for cut in [cut_at_the_end(&text, most), cut_in_the_middle(&text, most)] {
                prop_assert!(septets(&cut).is_some_and(|length| length <= most), "{cut:?}");
            }
        }
    }
}
