//! The AWS emulator as a process: started with a clean environment, watched while it starts, stopped with every function
//! that it runs; and the inventory of its resources.

mod api;
mod error;
mod functions;
mod halt;
mod inventory;
mod process;
mod running;
mod start;

pub use api::{Api, ApiFailure, Request};
pub use error::EmulatorError;
pub use inventory::inventory;
pub use process::Emulator;
pub use running::answers;
pub(crate) use start::free_port;
pub use start::{EmulatorOptions, Launch};

/// Access key id of the emulator's root user.
pub const ACCESS_KEY_ID: &str = "test";

/// Secret access key of the emulator's root user.
pub const SECRET_ACCESS_KEY: &str = "test";
