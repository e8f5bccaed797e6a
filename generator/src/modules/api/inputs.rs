//! The variables of the API's module.

use super::super::{environment_suffix, log_retention_days, xray_enabled};
use crate::terraform::Variable;
use crate::terraform::kind::{Boolean, Map, Number, Text};

/// The module's variables.
pub struct Inputs {
    /// Ends every name.
    pub environment_suffix: Variable<Text>,
    /// From the queues module.
    pub queue_arns: Variable<Map<Text>>,
    /// From the queues module.
    pub queue_names: Variable<Map<Text>>,
    /// From the functions module.
    pub function_names: Variable<Map<Text>>,
    /// From the functions module.
    pub function_invoke_arns: Variable<Map<Text>>,
    /// Requests a second.
    pub throttling_rate_limit: Variable<Number>,
    /// Requests at once.
    pub throttling_burst_limit: Variable<Number>,
    /// Throttle the payment gateway's route by itself.
    pub webhook_throttled: Variable<Boolean>,
    /// The payment gateway's requests a second.
    pub webhook_rate_limit: Variable<Number>,
    /// The payment gateway's requests at once.
    pub webhook_burst_limit: Variable<Number>,
    /// Own the account's logging role, and write access logs.
    pub manage_account_logging_role: Variable<Boolean>,
    /// Days for which the access log is kept.
    pub log_retention_days: Variable<Number>,
    /// Trace with X-Ray.
    pub xray_enabled: Variable<Boolean>,
}

impl Inputs {
    pub(super) fn new() -> Self {
        Self {
            environment_suffix: environment_suffix(),
            queue_arns: Variable::new("queue_arns", "ARN of each stage's queue, by its name without the suffix."),
            queue_names: Variable::new("queue_names", "Full name of every queue, by its name without the suffix."),
            function_names: Variable::new(
                "function_names",
                "Full name of each function, by its name without the suffix.",
            ),
            function_invoke_arns: Variable::new(
                "function_invoke_arns",
                "What API Gateway invokes each function by, by its name without the suffix.",
            ),
            throttling_rate_limit: Variable::new("throttling_rate_limit", "Requests a second that the stage admits."),
            throttling_burst_limit: Variable::new(
                "throttling_burst_limit",
                "Requests that the stage admits at once, above the rate.",
            ),
            webhook_throttled: Variable::new(
                "webhook_throttled",
                "Throttle `POST /webhooks/payment`, which anybody may call, by itself. Only the local emulator, which gives \
                 the setting of a nested path back under another name, needs `false`.",
            )
            .default(true),
            webhook_rate_limit: Variable::new(
                "webhook_rate_limit",
                "Requests a second that `POST /webhooks/payment` admits.",
            ),
            webhook_burst_limit: Variable::new(
                "webhook_burst_limit",
                "Requests that `POST /webhooks/payment` admits at once, above the rate.",
            ),
            manage_account_logging_role: Variable::new(
                "manage_account_logging_role",
                "Own the role with which API Gateway writes logs, and write access logs. An AWS account has one such \
                 role per region: of the environments in one account and region, one may own it.",
            )
            .default(false),
            log_retention_days: log_retention_days(),
            xray_enabled: xray_enabled(),
        }
    }
}
