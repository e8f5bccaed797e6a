//! The names, layouts and types that the functions, the infrastructure and the clients share. The generator puts them into
//! Terraform, the functions read and write them, and clients and tools use the same types.
//!
//! It knows the domain, and the shape of AWS's services. It does no I/O.

/// The AWS region that everything runs in.
pub const REGION: &str = "eu-west-2";

pub mod api;
pub mod mail_event;
pub mod message;
pub mod metric;
pub mod schema;
pub mod table;
pub mod timeout;
pub mod topic_attribute;
pub mod variable;
