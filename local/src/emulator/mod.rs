//! The AWS emulator as a process: started with nothing of the user's environment, watched while it starts, stopped with
//! every function that it started; and asked what it holds.

mod api;
mod functions;
mod halt;
mod inventory;
mod process;
mod start;

pub use api::{Api, ApiFailure, Request};
pub use inventory::inventory;
pub use process::{Emulator, answers};
pub(crate) use start::free_port;
pub use start::{EmulatorError, EmulatorOptions, Launch};

/// Access key id of the emulator's root.
pub const ACCESS_KEY_ID: &str = "test";

/// Secret access key of the emulator's root.
pub const SECRET_ACCESS_KEY: &str = "test";
