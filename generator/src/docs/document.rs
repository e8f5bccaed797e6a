//! Reads the JSON documents that stand in the modules as `jsonencode(…)`: what a policy permits is read from what is
//! written, not from what was meant.

use std::iter::Peekable;
use std::str::CharIndices;

use serde_json::{Map, Value};

/// The document of an argument, with references as the text `${…}`; `None` where it is not such a document.
pub(super) fn read(argument: &str) -> Option<Value> {
    let source = argument.strip_prefix("${jsonencode(")?.strip_suffix(")}")?;
    let mut reader = Reader { source, rest: source.char_indices().peekable() };
    let document = reader.value()?;
    reader.rest.next().is_none().then_some(document)
}

/// The part of Terraform's native syntax that the generator writes: objects, lists, texts, references.
struct Reader<'s> {
    source: &'s str,
    rest: Peekable<CharIndices<'s>>,
}

impl Reader<'_> {
    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            '{' => self.entries('}', |reader, entries: &mut Map<String, Value>| {
                let key = reader.text()?;
                reader.expect('=')?;
                entries.insert(key, reader.value()?);
                Some(())
            }),
            '[' => self.entries(']', |reader, items: &mut Vec<Value>| {
                items.push(reader.value()?);
                Some(())
            }),
            '"' => self.text().map(Value::String),
            _ => self.reference().map(Value::String),
        }
    }

    /// Everything up to a closing bracket, with commas between.
    fn entries<C: Default + Into<Value>>(
        &mut self,
        end: char,
        mut entry: impl FnMut(&mut Self, &mut C) -> Option<()>,
    ) -> Option<Value> {
        self.rest.next();
        let mut entries = C::default();
        while self.peek()? != end {
            entry(self, &mut entries)?;
            if self.peek()? == ',' {
                self.rest.next();
            }
        }
        self.rest.next();
        Some(entries.into())
    }

    /// A quoted text as it is written; quotes inside an interpolation do not end it.
    fn text(&mut self) -> Option<String> {
        self.expect('"')?;
        let start = self.rest.peek()?.0;
        let mut depth = 0_u32;
        let mut before = ' ';
        loop {
            let (at, character) = self.rest.next()?;
            match character {
                '\\' => drop(self.rest.next()),
                '"' if depth == 0 => return self.source.get(start..at).map(str::to_owned),
                '{' if before == '$' || depth > 0 => depth += 1,
                '}' if depth > 0 => depth -= 1,
                _ => {}
            }
            before = character;
        }
    }

    /// Anything else, up to the bracket or comma after it.
    fn reference(&mut self) -> Option<String> {
        let start = self.rest.peek()?.0;
        let mut depth = 0_u32;
        while let Some((_, character)) = self.rest.peek() {
            match character {
                '[' | '(' => depth += 1,
                ']' | ')' if depth > 0 => depth -= 1,
                ',' | ']' | '}' if depth == 0 => break,
                _ => {}
            }
            self.rest.next();
        }
        let end = self.rest.peek().map_or(self.source.len(), |(at, _)| *at);
        Some(format!("${{{}}}", self.source.get(start..end)?.trim()))
    }

    /// The next character that is not a space.
    fn peek(&mut self) -> Option<char> {
        while self.rest.next_if(|(_, character)| *character == ' ').is_some() {}
        self.rest.peek().map(|(_, character)| *character)
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        (self.peek()? == wanted).then_some(())?;
        self.rest.next().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_read_with_its_references() {
        let argument = r#"${jsonencode({"a" = ["x:*", var.queues["pay-queue"], t.n[0].arn], "b" = {"c" = "${t.n["k"]}/index/i"}, "d" = []})}"#;
        let read = read(argument).unwrap();
        assert_eq!(
            read,
            json!({
                "a": ["x:*", "${var.queues[\"pay-queue\"]}", "${t.n[0].arn}"],
                "b": { "c": "${t.n[\"k\"]}/index/i" },
                "d": [],
            })
        );
    }

    #[test]
    fn other_text_is_not_a_document() {
        for argument in ["", "text", "${jsonencode({)}", "${jsonencode({\"a\" = 1} x)}", "${jsonencode([\"a)}"] {
            assert_eq!(read(argument), None, "{argument}");
        }
    }
}
