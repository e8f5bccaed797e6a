//! The provider's types, generated at build time from `schema/aws-5.100.json` (see `build/bindings.rs`). Arguments and
//! attributes have the provider's own names, so that its documentation applies as it is.
//!
//! ```
//! use generator::aws::{IamRole, LambdaFunction};
//! use generator::terraform::Module;
//!
//! let mut module = Module::new("example", "An example.");
//! let role = module.add("role", IamRole { assume_role_policy: "{}" });
//! module.add("function", LambdaFunction { function_name: "example", role: role.arn() }.timeout(30));
//! ```
//!
//! A required argument that is left out does not compile:
//!
//! ```compile_fail,E0063
//! use generator::aws::LambdaFunction;
//! let function = LambdaFunction { function_name: "example" };
//! ```
//!
//! Neither does an argument that the provider does not have, required or optional:
//!
//! ```compile_fail,E0560
//! use generator::aws::LambdaFunction;
//! let function = LambdaFunction { function_name: "example", role: "role", name: "example" };
//! ```
//!
//! ```compile_fail,E0599
//! use generator::aws::LambdaFunction;
//! let function = LambdaFunction { function_name: "example", role: "role" }.timeout_in_seconds(30);
//! ```
//!
//! Nor a value of another type:
//!
//! ```compile_fail,E0277
//! use generator::aws::LambdaFunction;
//! let function = LambdaFunction { function_name: "example", role: "role" }.timeout("30 s");
//! ```

include!(concat!(env!("OUT_DIR"), "/aws.rs"));

#[cfg(test)]
mod hostile_names;
