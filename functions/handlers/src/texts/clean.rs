//! Text that others wrote, such as names, made fit to stand in a message.

/// Characters that reorder a line, join its words or hide in it: what a reader sees must be what was written.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// The text on one line of at most so many characters, without control or invisible characters. So no name adds a line to
/// a mail, or a header.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let visible = text.chars().filter(|character| !is_invisible(*character));
    // The separators of lines and paragraphs are white space to `split_whitespace`, other control characters are not.
    let spaced: String = visible.map(|character| if character.is_control() { ' ' } else { character }).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        None => line,
        Some(_) => {
            let kept: String = line.chars().take(most.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_stays_as_it_is_and_what_breaks_or_hides_a_line_goes() {
        for (text, line) in [
            ("Ada Łódź-O’Brien", "Ada Łódź-O’Brien"),
            ("Ada\r\nBcc: eve@example.com", "Ada Bcc: eve@example.com"),
            ("a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{0}f\u{1b}g", "a b c d e f g"),
            ("\u{202e}abc\u{202c}\u{200b}\u{feff}", "abc"),
            (" \t\n", ""),
        ] {
            assert_eq!(one_line(text, 60), line, "{text:?}");
        }
        assert_eq!(one_line("Ada Lovelace", 5), "Ada…");
    }

    proptest! {
        #[test]
        fn a_line_is_one_line_and_no_longer_than_asked(text in any::<String>(), most in 1_usize..80) {
            let line = one_line(&text, most);
            prop_assert!(line.chars().count() <= most);
            prop_assert!(!line.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{line:?}");
        }
    }
}
