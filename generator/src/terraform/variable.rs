//! A module's variables and outputs.

use std::marker::PhantomData;

use super::kind::{Boolean, Number, Text};
use super::term::Term;
use super::value::{Expression, Kind, TemplatePart, Value};

/// A module's variable as it is declared.
#[derive(Debug, Clone, PartialEq)]
pub struct VariableDescription {
    pub(crate) name: String,
    pub(crate) value_type: String,
    pub(crate) description: String,
    pub(crate) default: Option<Term>,
}

impl VariableDescription {
    /// The variable's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type as Terraform writes it, e.g. `map(string)`.
    #[must_use]
    pub fn value_type(&self) -> &str {
        &self.value_type
    }

    /// What it is for.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The default as JSON; `None` where a value has to be given.
    #[must_use]
    pub fn default(&self) -> Option<serde_json::Value> {
        self.default.as_ref().map(Term::to_literal_json)
    }
}

/// A variable of the type `T`, from which references are taken and to which a caller gives a value.
#[derive(Debug)]
pub struct Variable<T> {
    description: VariableDescription,
    marker: PhantomData<fn() -> T>,
}

impl<T> Clone for Variable<T> {
    fn clone(&self) -> Self {
        Self { description: self.description.clone(), marker: PhantomData }
    }
}

impl<T: Kind> Variable<T> {
    /// A variable that has to be given.
    #[must_use]
    pub fn new(name: &str, description: &str) -> Self {
        let description = VariableDescription {
            name: name.to_owned(),
            value_type: T::name(),
            description: description.to_owned(),
            default: None,
        };
        Self { description, marker: PhantomData }
    }

    /// The default.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value<T>>) -> Self {
        self.description.default = Some(value.into().into_term());
        self
    }
}

impl<T> Variable<T> {
    /// `var.<name>`
    #[must_use]
    pub fn value(&self) -> Expression<T> {
        Expression::from_source(format!("var.{}", self.description.name))
    }

    /// The variable's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.description.name
    }

    /// The variable as it is declared.
    #[must_use]
    pub fn description(&self) -> &VariableDescription {
        &self.description
    }

    /// This variable given a value, for [`Module::call`](super::Module::call).
    #[must_use]
    pub fn set(&self, value: impl Into<Value<T>>) -> Input {
        Input { name: self.description.name.clone(), value: value.into().into_term() }
    }
}

impl<T> From<&Variable<T>> for Value<T> {
    fn from(variable: &Variable<T>) -> Self {
        variable.value().into()
    }
}

impl<T> From<&Variable<T>> for TemplatePart {
    fn from(variable: &Variable<T>) -> Self {
        variable.value().into()
    }
}

/// A value given to a module's variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub(crate) name: String,
    pub(crate) value: Term,
}

impl Input {
    /// The variable's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A module's output as it is declared.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputDescription {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) value: Term,
}

impl OutputDescription {
    /// The output's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it gives.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }
}

/// An output of the type `T`, by which the caller of the module refers to it.
#[derive(Debug, Clone)]
pub struct Output<T> {
    pub(crate) name: String,
    pub(crate) marker: PhantomData<fn() -> T>,
}

/// A text variable.
pub type TextVariable = Variable<Text>;
/// A number variable.
pub type NumberVariable = Variable<Number>;
/// A boolean variable.
pub type BooleanVariable = Variable<Boolean>;
