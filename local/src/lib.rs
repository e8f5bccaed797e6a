//! The cloud on this machine: the toolchain, the emulator, the Terraform driver, the functions' package, and the
//! environment that they make together.

pub mod emulator;
pub mod environment;
pub mod package;
pub mod process;
pub mod terraform;
pub mod toolchain;
