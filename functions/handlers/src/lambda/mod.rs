//! Lambda's events and answers, turned into what the stages know.

pub mod http;
pub mod queue;
pub mod stream;
