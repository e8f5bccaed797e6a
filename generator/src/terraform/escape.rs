//! The one place that escapes literals. In Terraform's JSON syntax every string is a template, so `${` or
//! `%{` in somebody's text would be evaluated; inside an expression a string is quoted besides.

use super::part::Part;

/// A literal as it stands in a template: `${` and `%{` are escaped. JSON itself takes care of quotes and newlines.
pub(crate) fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// A template in Terraform's JSON syntax.
pub(crate) fn template(parts: &[Part]) -> String {
    write(parts, &literal)
}

/// A template as a quoted string in native syntax, for the inside of an expression.
pub(crate) fn quoted(parts: &[Part]) -> String {
    format!("\"{}\"", write(parts, &|text| backslashes(&literal(text))))
}

fn write(parts: &[Part], escape: &dyn Fn(&str) -> String) -> String {
    let mut written = String::new();
    let mut pending = String::new();
    for part in parts {
        match part {
            // Neighbouring literals are one text: "$" and "{" only make an interpolation together.
            Part::Literal(text) => pending.push_str(text),
            Part::Expression(source) => {
                written.push_str(&before_interpolation(&pending, escape));
                pending.clear();
                written.push_str("${");
                written.push_str(source);
                written.push('}');
            }
        }
    }
    written.push_str(&escape(&pending));
    written
}

/// A literal `$` right before an interpolation would read as the escape `$${`: it becomes an interpolation of its own.
fn before_interpolation(text: &str, escape: &dyn Fn(&str) -> String) -> String {
    match text.strip_suffix('$') {
        Some(rest) => format!("{}${{\"$\"}}", before_interpolation(rest, &escape)),
        None => escape(text),
    }
}

fn backslashes(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            control if control.is_control() => written.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => written.push(other),
        }
    }
    written
}
