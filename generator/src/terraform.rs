//! Terraform's JSON configuration syntax: values, references, resources, modules.
//!
//! Nothing here knows the pipeline or AWS. Literals and expressions are different types ([`Value`], [`Expression`]), a
//! reference is taken from what was declared, and escaping happens in one place.

mod escape;
#[cfg(test)]
mod escape_tests;
mod json;
mod module;
#[cfg(test)]
mod module_tests;
mod part;
mod resource;
mod term;
mod value;
mod variable;

pub use json::Json;
pub use module::{Declared, Literal, Module, ModuleCall, ModuleError, REQUIRED_PROVIDER, REQUIRED_TERRAFORM};
pub use resource::{
    Address, Block, Blocks, Body, Conditional, Dependable, Managed, Meta, Reference, Resource, block_when,
};
pub use value::{Expression, Kind, TemplatePart, Value, kind};
pub use variable::{
    BooleanVariable, Input, NumberVariable, Output, OutputDescription, TextVariable, Variable, VariableDescription,
};
