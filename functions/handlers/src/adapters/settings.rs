//! The function's environment variables, whose names the generator shares.

use std::time::Duration;

use order_contract::variable;

use crate::retry::RetryPolicy;

/// A variable that is missing or has another form.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// Not set.
    #[error("the environment variable {0} is not set; the function was not deployed by this project's Terraform")]
    Missing(&'static str),
    /// Not what was expected.
    #[error("the environment variable {name} is {value:?} and must be {expected}")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// A variable's text.
///
/// # Errors
/// When it is not set, or empty.
pub fn text(name: &'static str) -> Result<String, SettingError> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or(SettingError::Missing(name))
}

/// A variable that is `true` or `false`.
///
/// # Errors
/// When it is neither.
pub fn flag(name: &'static str) -> Result<bool, SettingError> {
    let value = text(name)?;
    value.parse().map_err(|_| SettingError::Malformed { name, value, expected: "true or false" })
}

fn seconds(name: &'static str) -> Result<Duration, SettingError> {
    let value = text(name)?;
    let seconds = value.parse();
    seconds.map(Duration::from_secs).map_err(|_| SettingError::Malformed {
        name,
        value,
        expected: "a number of seconds",
    })
}

/// The stage's waits between retries.
///
/// # Errors
/// When a variable is missing or is not a number.
pub fn retry_policy() -> Result<RetryPolicy, SettingError> {
    Ok(RetryPolicy { base: seconds(variable::RETRY_BASE_SECONDS)?, cap: seconds(variable::RETRY_CAP_SECONDS)? })
}
