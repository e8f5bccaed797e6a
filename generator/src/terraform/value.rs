//! The value of an argument: a literal, or an expression that Terraform evaluates. They are different types, and
//! both carry the type of the value, so that a number cannot stand where a text belongs.

use std::fmt;
use std::marker::PhantomData;

use super::part::Part;
use super::term::Term;

/// Terraform's types, as markers for [`Value`] and [`Expression`].
pub mod kind {
    use std::marker::PhantomData;

    /// `string`
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Text;
    /// `number`
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Number;
    /// `bool`
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Boolean;
    /// `list(T)` or `set(T)`: Terraform converts between them.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct List<T>(PhantomData<T>);
    /// `map(T)`
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Map<T>(PhantomData<T>);
    /// A type that the bindings do not describe, e.g. an object.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Any;
}

use kind::{Any, Boolean, List, Map, Number, Text};

/// A marker's name in a variable's `type`.
pub trait Kind {
    /// The type as Terraform writes it, e.g. `map(string)`.
    fn name() -> String;
}

impl Kind for Text {
    fn name() -> String {
        "string".to_owned()
    }
}

impl Kind for Number {
    fn name() -> String {
        "number".to_owned()
    }
}

impl Kind for Boolean {
    fn name() -> String {
        "bool".to_owned()
    }
}

impl<T: Kind> Kind for List<T> {
    fn name() -> String {
        format!("list({})", T::name())
    }
}

impl<T: Kind> Kind for Map<T> {
    fn name() -> String {
        format!("map({})", T::name())
    }
}

impl Kind for Any {
    fn name() -> String {
        "any".to_owned()
    }
}

/// What Terraform evaluates: a reference, or something computed from references. It cannot be made from a string, only
/// taken from what defines it (a resource, a variable, a module call, a data source) or derived from another one.
///
/// ```compile_fail,E0277
/// use generator::terraform::{Expression, kind::Text};
/// // A literal is not an expression: an ARN that someone typed is a reference that nobody checks.
/// let topic: Expression<Text> = "arn:aws:sns:eu-west-2:123456789012:alarms-topic-dev".into();
/// ```
pub struct Expression<T> {
    source: String,
    marker: PhantomData<fn() -> T>,
}

impl<T> Clone for Expression<T> {
    fn clone(&self) -> Self {
        Self::from_source(self.source.clone())
    }
}

impl<T> fmt::Debug for Expression<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.source)
    }
}

impl<T> fmt::Display for Expression<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.source)
    }
}

impl<T> Expression<T> {
    pub(crate) fn from_source(source: impl Into<String>) -> Self {
        Self { source: source.into(), marker: PhantomData }
    }

    /// The same expression where Terraform's own conversion (number or boolean to string, and back) is meant.
    #[must_use]
    pub fn convert<U>(&self) -> Expression<U> {
        Expression::from_source(self.source.clone())
    }

    /// `self == null`
    #[must_use]
    pub fn is_null(&self) -> Expression<Boolean> {
        Expression::from_source(format!("{} == null", self.source))
    }

    /// `self != null`
    #[must_use]
    pub fn is_set(&self) -> Expression<Boolean> {
        Expression::from_source(format!("{} != null", self.source))
    }
}

impl Expression<Boolean> {
    /// `self && other`
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self::from_source(format!("{} && {}", self.source, other.source))
    }

    /// `self ? yes : no`
    #[must_use]
    pub fn choose<T>(&self, yes: impl Into<Value<T>>, no: impl Into<Value<T>>) -> Expression<T> {
        Expression::from_source(format!("{} ? {} : {}", self.source, yes.into().term.to_hcl(), no.into().term.to_hcl()))
    }
}

impl Expression<Text> {
    /// `filebase64sha256(self)`: changes whenever the file of this path does.
    #[must_use]
    pub fn file_base64_sha256(&self) -> Expression<Text> {
        Expression::from_source(format!("filebase64sha256({})", self.source))
    }
}

impl<T> Expression<Map<T>> {
    /// `merge(self, other)`
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        Self::from_source(format!("merge({}, {})", self.source, other.source))
    }

    /// The value under a key: `self["key"]`.
    #[must_use]
    pub fn key(&self, key: &str) -> Expression<T> {
        Expression::from_source(format!("{}[{}]", self.source, Term::text(key).to_hcl()))
    }
}

/// The value of an argument: a literal or an expression of the type `T`.
#[derive(PartialEq)]
pub struct Value<T> {
    term: Term,
    marker: PhantomData<fn() -> T>,
}

impl<T> Value<T> {
    pub(crate) fn from_term(term: Term) -> Self {
        Self { term, marker: PhantomData }
    }

    pub(crate) fn into_term(self) -> Term {
        self.term
    }

    /// The literal `null`: the provider's default.
    #[must_use]
    pub fn null() -> Self {
        Self::from_term(Term::Null)
    }
}

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Self::from_term(self.term.clone())
    }
}

impl<T> fmt::Debug for Value<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.term.fmt(formatter)
    }
}

impl<T> From<Expression<T>> for Value<T> {
    fn from(expression: Expression<T>) -> Self {
        Self::from_term(Term::Expression(expression.source))
    }
}

impl<T> From<&Expression<T>> for Value<T> {
    fn from(expression: &Expression<T>) -> Self {
        expression.clone().into()
    }
}

impl<T> From<&Value<T>> for Value<T> {
    fn from(value: &Value<T>) -> Self {
        value.clone()
    }
}

impl From<&str> for Value<Text> {
    fn from(literal: &str) -> Self {
        Self::from_term(Term::text(literal))
    }
}

impl From<String> for Value<Text> {
    fn from(literal: String) -> Self {
        Self::from_term(Term::text(literal))
    }
}

impl From<&String> for Value<Text> {
    fn from(literal: &String) -> Self {
        Self::from_term(Term::text(literal))
    }
}

impl From<bool> for Value<Boolean> {
    fn from(literal: bool) -> Self {
        Self::from_term(Term::Boolean(literal))
    }
}

macro_rules! whole_numbers {
    ($($whole:ty),*) => {
        $(impl From<$whole> for Value<Number> {
            fn from(literal: $whole) -> Self {
                Self::from_term(Term::Number(literal.into()))
            }
        })*
    };
}

// `i32` is what an integer literal without a suffix becomes.
whole_numbers!(i32, u16, u32, u64);

impl From<f64> for Value<Number> {
    /// JSON has no number for infinity or for what is none: those become `null`.
    fn from(literal: f64) -> Self {
        Self::from_term(serde_json::Number::from_f64(literal).map_or(Term::Null, Term::Number))
    }
}

impl<T, V: Into<Value<T>>> From<Vec<V>> for Value<List<T>> {
    fn from(items: Vec<V>) -> Self {
        Self::from_term(Term::List(items.into_iter().map(|item| item.into().term).collect()))
    }
}

impl<T, V: Into<Value<T>>, const N: usize> From<[V; N]> for Value<List<T>> {
    fn from(items: [V; N]) -> Self {
        Self::from_term(Term::List(items.into_iter().map(|item| item.into().term).collect()))
    }
}

impl<T, K: Into<String>, V: Into<Value<T>>> From<Vec<(K, V)>> for Value<Map<T>> {
    fn from(entries: Vec<(K, V)>) -> Self {
        Self::from_term(Term::Object(entries.into_iter().map(|(key, value)| (key.into(), value.into().term)).collect()))
    }
}

impl<T, K: Into<String>, V: Into<Value<T>>, const N: usize> From<[(K, V); N]> for Value<Map<T>> {
    fn from(entries: [(K, V); N]) -> Self {
        Vec::from(entries).into()
    }
}

/// A piece of a [`template!`](crate::template): a literal, or where its text comes from.
#[derive(Debug, Clone)]
pub struct TemplatePart(Vec<Part>);

impl From<&str> for TemplatePart {
    fn from(literal: &str) -> Self {
        Self(vec![Part::Literal(literal.to_owned())])
    }
}

impl From<String> for TemplatePart {
    fn from(literal: String) -> Self {
        Self(vec![Part::Literal(literal)])
    }
}

impl<T> From<&Expression<T>> for TemplatePart {
    fn from(expression: &Expression<T>) -> Self {
        Self(vec![Part::Expression(expression.source.clone())])
    }
}

impl<T> From<Expression<T>> for TemplatePart {
    fn from(expression: Expression<T>) -> Self {
        Self(vec![Part::Expression(expression.source)])
    }
}

impl From<Value<Text>> for TemplatePart {
    fn from(value: Value<Text>) -> Self {
        Self(match value.term {
            Term::Text(parts) => parts,
            other => vec![Part::Expression(other.to_hcl())],
        })
    }
}

impl From<&Value<Text>> for TemplatePart {
    fn from(value: &Value<Text>) -> Self {
        value.clone().into()
    }
}

impl Value<Text> {
    /// A text of several pieces; [`template!`](crate::template) reads better.
    #[must_use]
    pub fn of_parts(parts: impl IntoIterator<Item = TemplatePart>) -> Self {
        Self::from_term(Term::Text(parts.into_iter().flat_map(|part| part.0).collect()))
    }
}

/// A text of literals and expressions, in their order: `template!["orders-table-", suffix]`.
#[macro_export]
macro_rules! template {
    ($($part:expr),+ $(,)?) => {
        $crate::terraform::Value::<$crate::terraform::kind::Text>::of_parts([$($crate::terraform::TemplatePart::from($part)),+])
    };
}
