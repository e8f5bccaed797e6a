//! What people run against a deployed pipeline, on this machine or on AWS: dead-lettered messages, replay, stock.

pub mod cli;
pub mod dead_letters;
pub mod replay;
pub mod stock;
