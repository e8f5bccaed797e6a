//! The Terraform generator: one description of the pipeline in, Terraform JSON for `modules/` and `envs/` out.
//!
//! [`pipeline`] says what there is, [`modules`] turns it into Terraform modules with the provider's own names
//! ([`aws`], generated from the provider's schema), [`compose`] wires them into an environment's root module, and
//! [`terraform`] knows how Terraform's JSON is written: references, escaping, order.

pub mod aws;
pub mod compose;
pub mod crates;
pub mod docs;
pub mod environment;
pub mod iam;
pub mod modules;
pub mod naming;
pub mod pipeline;
pub mod readme;
#[cfg(test)]
mod sample_settings;
pub mod schema;
pub mod terraform;

use std::path::PathBuf;

/// A file that the generator writes, with its path from the repository's root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RenderedFile {
    /// Where it goes, e.g. `modules/queues/main.tf.json`.
    pub path: PathBuf,
    /// What it holds, ending in a newline.
    pub content: String,
}
