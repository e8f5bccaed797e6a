//! Something between an environment's functions and what they depend on.

use std::fmt::Debug;

/// Stands between the functions on one side and AWS and the payment gateway on the other, such as the tests' fault proxies.
/// Terraform, tests and people reach both directly.
pub trait Detour: Debug + Send + Sync {
    /// Where the functions reach AWS.
    fn aws_url(&self) -> String;

    /// Where the functions reach the payment gateway.
    fn gateway_url(&self) -> String;

    /// What the two lead to, once it runs.
    fn lead_to(&self, aws: &str, gateway: &str);
}
