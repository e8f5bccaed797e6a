//! A detour between an environment's functions and their dependencies.

use std::fmt::Debug;

/// Proxies between the functions and their dependencies, AWS and the payment gateway: for example the tests' fault
/// proxies. Terraform, tests and people use the dependencies directly.
pub trait Detour: Debug + Send + Sync {
    /// URL at which the functions reach AWS.
    fn aws_url(&self) -> String;

    /// URL at which the functions reach the payment gateway.
    fn gateway_url(&self) -> String;

    /// Sets the real URLs, once the emulator and the gateway run.
    fn lead_to(&self, aws: &str, gateway: &str);
}
