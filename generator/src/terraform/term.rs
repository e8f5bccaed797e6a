//! The one tree behind every value that the generator writes, and its two notations.
//!
//! Terraform's JSON syntax knows strings that are templates; inside such a template stands its native syntax (HCL).
//! A value therefore has to be written either way: an argument is JSON, the same argument inside `jsonencode(…)` is HCL.

use super::escape;
use super::part::Part;

/// A value, before a notation is chosen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Term {
    Null,
    Boolean(bool),
    Number(serde_json::Number),
    Text(Vec<Part>),
    /// Native syntax, e.g. `aws_sqs_queue.payment_queue.arn`.
    Expression(String),
    List(Vec<Term>),
    Object(Vec<(String, Term)>),
}

impl Term {
    pub(crate) fn text(literal: impl Into<String>) -> Self {
        Self::Text(vec![Part::Literal(literal.into())])
    }

    /// The value as an argument in Terraform's JSON syntax.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Boolean(value) => (*value).into(),
            Self::Number(value) => serde_json::Value::Number(value.clone()),
            Self::Text(parts) => escape::template(parts).into(),
            Self::Expression(source) => format!("${{{source}}}").into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            // Terraform reads an object's keys as templates too.
            Self::Object(entries) => {
                entries.iter().map(|(key, value)| (escape::literal(key), value.to_json())).collect()
            }
        }
    }

    /// The value where Terraform takes literals only and evaluates nothing: a variable's default.
    pub(crate) fn to_literal_json(&self) -> serde_json::Value {
        match self {
            Self::Text(parts) => parts
                .iter()
                .map(|part| match part {
                    Part::Literal(text) | Part::Expression(text) => text.as_str(),
                })
                .collect::<String>()
                .into(),
            Self::List(items) => items.iter().map(Self::to_literal_json).collect(),
            Self::Object(entries) => {
                entries.iter().map(|(key, value)| (key.clone(), value.to_literal_json())).collect()
            }
            scalar => scalar.to_json(),
        }
    }

    /// The value in native syntax, as it stands inside an expression.
    pub(crate) fn to_hcl(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(parts) => escape::quoted(parts),
            Self::Expression(source) => source.clone(),
            Self::List(items) => format!("[{}]", items.iter().map(Self::to_hcl).collect::<Vec<_>>().join(", ")),
            Self::Object(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| {
                        format!("{} = {}", escape::quoted(&[Part::Literal(key.clone())]), value.to_hcl())
                    })
                    .collect::<Vec<_>>();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}
