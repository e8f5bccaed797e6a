//! An environment in hand: the toolchain, the package of functions, the emulator, the Terraform driver, and the
//! environment that they make together. The `ops` binary is a thin command line over this library; the tests use the
//! library itself.

pub mod cancel;
pub mod catalogue;
pub mod client;
pub mod dead_letters;
pub mod demo;
pub mod deployed;
pub mod emulator;
pub mod environment;
pub mod fault_proxy;
pub mod gateway_simulator;
pub mod package;
pub mod process;
pub mod progress;
pub mod replay;
pub mod stock;
pub mod terraform;
pub mod toolchain;
pub mod workspace;
