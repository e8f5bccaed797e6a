//! Tests of everything that the generator writes. One binary, since linking is slower than the tests.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod api;
mod documents;
mod imports;
mod least_privilege;
mod literals;
mod permissions;
mod promises;
mod schemas;
mod support;
mod validation;
mod vocabulary;
