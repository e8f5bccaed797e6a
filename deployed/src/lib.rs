//! How a program reaches a deployed pipeline, on this machine or on AWS: the order API's client, the AWS SDK's
//! configuration, the names of its parts, and the record by which a running local instance is found.

pub mod client;
mod connection;
pub mod instance;
mod pipeline;
pub mod workspace;

pub use connection::{Connection, PaymentGateway};
pub use pipeline::{Deployed, DeployedError};
