//! The names of things at AWS: `<resource>-<type>-<suffix>`, e.g. `payment-queue-dev`.

use crate::template;
use crate::terraform::{Expression, Value, kind::Text};

/// A name with the environment's suffix at its end: `payment-queue` becomes `payment-queue-${var.environment_suffix}`.
#[must_use]
pub fn suffixed(name: &str, suffix: &Expression<Text>) -> Value<Text> {
    template![name, "-", suffix]
}

/// A name as a logical name in Terraform: `payment-queue` becomes `payment_queue`.
#[must_use]
pub fn logical(name: &str) -> String {
    name.replace('-', "_")
}
