//! The Terraform modules, each a function over the pipeline's description. Nothing in them is a string that could have
//! been a reference.

pub mod api;
pub mod functions;
mod location;
pub mod observability;
pub mod queues;
mod shared_variables;
pub mod table;
pub mod topics;

pub(crate) use shared_variables::{environment_suffix, log_retention_days, require_tls, xray_enabled};

use crate::terraform::Module;

/// Every module, each before those that need its outputs.
#[must_use]
pub fn all() -> Vec<Module> {
    vec![
        queues::define().module,
        table::define().module,
        topics::define().module,
        functions::define().module,
        api::define().module,
        observability::define().module,
    ]
}
