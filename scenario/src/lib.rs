//! A pipeline at work, as its customers and its warehouse use it: plan the orders, act, and judge what became of them.

pub mod accountant;
pub mod catalogue;
pub mod demo;
