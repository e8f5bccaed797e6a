//! The pieces of a text.

/// A piece of a text: what it says, or where its value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Literal(String),
    Expression(String),
}
