//! A whole environment on this machine: the emulator, the payment gateway's simulator, and the pipeline applied to
//! them by real Terraform. What is started here is stopped here, on every way out.

mod connection;
mod deployment;
mod down;
mod error;
mod fault_proxies;
mod files;
mod gateway;
mod instance;
mod options;
mod outputs;
mod processes;
mod status;
mod up;
mod whole;

pub use connection::{Connection, PaymentGateway};
pub use deployment::Destroyed;
pub use down::{Down, down};
pub use error::{EnvironmentError, is_cancellation};
pub use fault_proxies::FaultProxies;
pub use gateway::API_KEY_VARIABLE;
pub use instance::InstanceName;
pub use options::{Lifetime, UpOptions};
pub use status::{InstanceStatus, State, status};
pub use up::{Environment, Summary};
pub use whole::{Finished, with_environment};
