//! Whatever a literal says, Terraform reads back exactly that: compared with our own reader for many texts here, and
//! against Terraform itself for the worst ones in `tests/generator/literals.rs`.

use proptest::prelude::*;

use super::escape;
use super::part::Part;

/// Texts that are likely to go wrong: the characters that mean something, many of them.
fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[$%{}\"\\\\\n\r\t]{1,4}",
        1 => Just("${".to_owned()),
        1 => Just("%{".to_owned()),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z ~=<>&'#/]{0,3}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// What Terraform reads: literal text, and the source of what it evaluates.
#[derive(Debug, PartialEq)]
enum Read {
    Text(String),
    Evaluated(String),
}

/// Reads a template as the HCL specification describes it, without any of the code under test. Interpolations that hold
/// a quoted `$` alone count as text.
fn read_template(template: &str) -> Vec<Read> {
    let characters: Vec<char> = template.chars().collect();
    let mut read = vec![];
    let mut text = String::new();
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        match rest {
            ['$', '$', '{', ..] | ['%', '%', '{', ..] => {
                text.extend(&rest[1..3]);
                at += 3;
            }
            ['$', '{', '"', '$', '"', '}', ..] => {
                text.push('$');
                at += 6;
            }
            ['$' | '%', '{', inside @ ..] => {
                let source: String = inside.iter().take_while(|character| **character != '}').collect();
                at += source.chars().count() + 3;
                if !text.is_empty() {
                    read.push(Read::Text(std::mem::take(&mut text)));
                }
                read.push(Read::Evaluated(source));
            }
            [character, ..] => {
                text.push(*character);
                at += 1;
            }
            [] => {}
        }
    }
    if !text.is_empty() {
        read.push(Read::Text(text));
    }
    read
}

/// Undoes the escapes of a quoted string in native syntax.
fn unquote(quoted: &str) -> String {
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect("a quoted string");
    let mut characters = inside.chars();
    let mut text = String::new();
    while let Some(character) = characters.next() {
        if character != '\\' {
            assert!(!character.is_control() && character != '"', "{character:?} stands bare in {quoted}");
            text.push(character);
            continue;
        }
        text.push(match characters.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let digits: String = characters.by_ref().take(4).collect();
                u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).expect("a character")
            }
            Some(other @ ('"' | '\\')) => other,
            other => panic!("\\{other:?} is not an escape, in {quoted}"),
        });
    }
    text
}

fn text_only(read: Vec<Read>) -> Option<String> {
    match read.into_iter().collect::<Vec<_>>().as_slice() {
        [] => Some(String::new()),
        [Read::Text(text)] => Some(text.clone()),
        _ => None,
    }
}

proptest! {
    #[test]
    fn a_literal_argument_is_read_as_it_was_written(text in hostile_text()) {
        prop_assert_eq!(text_only(read_template(&escape::literal(&text))), Some(text));
    }

    #[test]
    fn a_literal_inside_an_expression_is_read_as_it_was_written(text in hostile_text()) {
        // Quotes hide nothing from the template: escapes are undone first or last with the same result.
        let quoted = escape::quoted(&[Part::Literal(text.clone())]);
        prop_assert_eq!(text_only(read_template(&unquote(&quoted))), Some(text));
    }

    #[test]
    fn an_expression_between_literals_is_the_only_thing_evaluated(before in hostile_text(), after in hostile_text()) {
        let parts =
            [Part::Literal(before.clone()), Part::Expression("var.name".to_owned()), Part::Literal(after.clone())];
        let mut expected = vec![];
        if !before.is_empty() {
            expected.push(Read::Text(before));
        }
        expected.push(Read::Evaluated("var.name".to_owned()));
        if !after.is_empty() {
            expected.push(Read::Text(after));
        }
        prop_assert_eq!(read_template(&escape::template(&parts)), expected);
    }

    #[test]
    fn neighbouring_literals_are_one_text(left in hostile_text(), right in hostile_text()) {
        let parts = [Part::Literal(left.clone()), Part::Literal(right.clone())];
        prop_assert_eq!(text_only(read_template(&escape::template(&parts))), Some(left + &right));
    }
}
