//! A complete environment on this machine: the emulator, the payment simulator, and the pipeline that real Terraform
//! applies to them. Everything that is started here is stopped here, on every exit path.

mod deployment;
mod detour;
mod down;
mod error;
mod files;
mod gateway;
mod options;
mod outputs;
mod processes;
mod up;
mod whole;

pub use deployment::Destroyed;
pub use detour::Detour;
pub use down::{Down, down};
pub use error::{EnvironmentError, is_cancellation};
pub use options::{Lifetime, UpOptions};
pub use up::{Environment, Summary};
pub use whole::{Finished, with_environment};
