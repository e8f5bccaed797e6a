//! The cloud on this machine: the toolchain, the AWS emulator, the Terraform driver, the functions' package, and the
//! environment that uses them all.

pub mod emulator;
pub mod environment;
pub mod package;
pub mod process;
pub mod terraform;
pub mod toolchain;
