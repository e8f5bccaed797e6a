//! A pipeline at work, as its customers and its warehouse use it: plan the orders, act, and judge
//! the outcome. The accountant depends on nothing; everything else needs an environment, and the feature `live`.

pub mod accountant;
#[cfg(feature = "live")]
pub mod catalogue;
#[cfg(feature = "live")]
pub mod demo;
