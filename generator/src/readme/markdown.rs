//! Text in the cells of a Markdown table: as tera filters, so that a template cannot forget how it is done.

use std::collections::HashMap;

use tera::{Result, Value};

/// Prose: code spans stay code, and nothing else becomes markup or ends the cell.
pub fn cell(value: &Value, _: &HashMap<String, Value>) -> Result<Value> {
    Ok(prose(text(value)?).into())
}

/// A code span that shows exactly this text.
pub fn code(value: &Value, _: &HashMap<String, Value>) -> Result<Value> {
    Ok(code_span(text(value)?).into())
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().ok_or_else(|| tera::Error::msg(format!("only text can be written in a cell, and this is {value}")))
}

fn prose(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        // A backtick without its partner is a character like any other.
        return escaped(text);
    }
    let piece = |(index, piece): (usize, &&str)| if index % 2 == 1 { code_span(piece) } else { escaped(piece) };
    pieces.iter().enumerate().map(piece).collect()
}

fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '<' | '>' | '~' => written.extend(['\\', character]),
            '&' => written.push_str("&amp;"),
            control if control.is_control() => written.push(' '),
            other => written.push(other),
        }
    }
    written
}

/// A code span that shows exactly this text, also in a table.
pub(crate) fn code_span(text: &str) -> String {
    if text.contains('|') {
        // A table's row is cut at a bar even inside backticks, where no backslash can be escaped in its turn.
        return format!("<code>{}</code>", escaped(text));
    }
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if shown.is_empty() {
        return shown;
    }
    let space = if shown.starts_with('`') || shown.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{shown}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn code_in_prose_stays_code_and_markup_does_not() {
        assert_eq!(prose("The `orders_*` table | *hot* <b>"), r"The `orders_*` table \| \*hot\* \<b\>");
        assert_eq!(prose("a ` alone"), r"a \` alone");
        assert_eq!(prose("two\nlines"), "two lines");
    }

    #[test]
    fn a_code_span_is_longer_fenced_than_what_it_holds() {
        assert_eq!(code_span("a|b"), r"<code>a\|b</code>");
        assert_eq!(code_span("a``b"), "```a``b```");
        assert_eq!(code_span("`"), "`` ` ``");
        assert_eq!(code_span(""), "");
    }

    proptest! {
        #[test]
        fn no_text_breaks_out_of_its_cell(text in "[\\PC\n|`\\\\]{0,12}") {
            for written in [prose(&text), code_span(&text)] {
                prop_assert!(!written.contains('\n') && !written.contains('\r'));
                let mut backslashes = 0;
                for character in written.chars() {
                    prop_assert!(character != '|' || backslashes % 2 == 1, "{}", written);
                    backslashes = if character == '\\' { backslashes + 1 } else { 0 };
                }
            }
        }
    }
}
