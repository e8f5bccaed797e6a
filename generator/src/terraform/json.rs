//! JSON documents inside Terraform: IAM policies, redrive policies, dashboards. They hold references, so that Terraform
//! itself has to write them: `jsonencode({…})`.

use super::kind::{Any, Text};
use super::part::Part;
use super::term::Term;
use super::value::{Expression, Value};

/// A JSON document, or a piece of one, that may hold references.
#[derive(Debug, Clone, PartialEq)]
pub struct Json(Term);

impl Json {
    /// An object with its entries in this order; [`object!`](crate::object) reads better.
    #[must_use]
    pub fn object(entries: Vec<(String, Json)>) -> Self {
        Self(Term::Object(entries.into_iter().map(|(key, value)| (key, value.0)).collect()))
    }

    /// An array; [`array!`](crate::array) reads better.
    #[must_use]
    pub fn array(items: Vec<Json>) -> Self {
        Self(Term::List(items.into_iter().map(|item| item.0).collect()))
    }

    /// `jsonencode(…)`: the document as the text that an argument takes.
    #[must_use]
    pub fn encode(&self) -> Value<Text> {
        Value::from_term(Term::Expression(format!("jsonencode({})", self.0.to_hcl())))
    }

    /// The document as a value of no declared type.
    #[must_use]
    pub fn value(self) -> Value<Any> {
        Value::from_term(self.0)
    }
}

impl<T> From<Expression<T>> for Json {
    fn from(expression: Expression<T>) -> Self {
        Self(Value::from(expression).into_term())
    }
}

impl<T> From<&Expression<T>> for Json {
    fn from(expression: &Expression<T>) -> Self {
        expression.clone().into()
    }
}

impl<T> From<Value<T>> for Json {
    fn from(value: Value<T>) -> Self {
        Self(value.into_term())
    }
}

impl<T> From<&Value<T>> for Json {
    fn from(value: &Value<T>) -> Self {
        value.clone().into()
    }
}

impl From<&str> for Json {
    fn from(literal: &str) -> Self {
        Self(Term::Text(vec![Part::Literal(literal.to_owned())]))
    }
}

impl From<String> for Json {
    fn from(literal: String) -> Self {
        Self(Term::text(literal))
    }
}

impl From<bool> for Json {
    fn from(literal: bool) -> Self {
        Self(Term::Boolean(literal))
    }
}

impl From<i32> for Json {
    fn from(literal: i32) -> Self {
        Self(Term::Number(literal.into()))
    }
}

impl From<u32> for Json {
    fn from(literal: u32) -> Self {
        Self(Term::Number(literal.into()))
    }
}

impl<V: Into<Json>> From<Vec<V>> for Json {
    fn from(items: Vec<V>) -> Self {
        Self::array(items.into_iter().map(Into::into).collect())
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        Self(match value {
            serde_json::Value::Null => Term::Null,
            serde_json::Value::Bool(value) => Term::Boolean(*value),
            serde_json::Value::Number(value) => Term::Number(value.clone()),
            serde_json::Value::String(value) => Term::text(value),
            serde_json::Value::Array(items) => Term::List(items.iter().map(|item| Self::from(item).0).collect()),
            serde_json::Value::Object(entries) => {
                Term::Object(entries.iter().map(|(key, value)| (key.clone(), Self::from(value).0)).collect())
            }
        })
    }
}

/// A JSON object that may hold references: `object! { "deadLetterTargetArn": dead_letters.arn(), "maxReceiveCount": 50 }`.
#[macro_export]
macro_rules! object {
    ($($key:literal : $value:expr),* $(,)?) => {
        $crate::terraform::Json::object(vec![$(($key.to_owned(), $crate::terraform::Json::from($value))),*])
    };
}

/// A JSON array that may hold references: `array![queue.arn(), "*"]`.
#[macro_export]
macro_rules! array {
    ($($item:expr),* $(,)?) => {
        $crate::terraform::Json::array(vec![$($crate::terraform::Json::from($item)),*])
    };
}
