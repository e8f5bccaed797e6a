//! The provider's schema: which parts of it are kept ([`trim`]), and whether a rendered resource obeys it ([`check`]).

mod check;
mod trim;

pub use check::{Breach, Schema};
pub use trim::{SchemaError, trim};

/// The types in use, one a line; the bindings and the trimmed schemas follow it.
pub const TYPES: &str = include_str!("../schema/types.txt");
