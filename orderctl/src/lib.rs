//! The operator's tool for a deployed pipeline, local or on AWS: dead-lettered messages, replay, stock.

pub mod cli;
pub mod dead_letters;
pub mod replay;
pub mod stock;
