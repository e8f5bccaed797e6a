//! The variables of the functions' module.

use std::collections::BTreeMap;

use super::super::location::Location;
use super::super::{environment_suffix, log_retention_days, xray_enabled};
use crate::pipeline::Secret;
use crate::pipeline::concurrency::{self, Bounds};
use crate::terraform::kind::{Boolean, Map, Number, Text};
use crate::terraform::{Expression, Module, Value, Variable};

/// The module's variables.
pub struct Inputs {
    /// Ends every name.
    pub environment_suffix: Variable<Text>,
    /// Path of the zip file with the functions' one binary.
    pub functions_package: Variable<Text>,
    /// The processor that it is built for.
    pub architecture: Variable<Text>,
    /// Days for which log lines are kept.
    pub log_retention_days: Variable<Number>,
    /// How many messages are processed at the same time.
    pub maximum_concurrency: Variable<Map<Number>>,
    /// Trace with X-Ray.
    pub xray_enabled: Variable<Boolean>,
    /// Permit batch calls by the emulator's names for them.
    pub emulator: Variable<Boolean>,
    /// Send SMS to customers.
    pub sms_enabled: Variable<Boolean>,
    /// To which countries.
    pub sms_calling_codes: Variable<Text>,
    /// Own the account's monthly limit for SMS.
    pub manage_account_sms_limit: Variable<Boolean>,
    /// The limit.
    pub sms_monthly_spend_limit_usd: Variable<Number>,
    /// Send push notifications to customers' devices.
    pub push_enabled: Variable<Boolean>,
    /// Send e-mail to customers from this address.
    pub email_from: Variable<Text>,
    /// Who the customer's messages are from.
    pub retailer_name: Variable<Text>,
    /// Where customers find help.
    pub support_contact: Variable<Text>,
    /// Where the payment gateway is.
    pub payment_gateway_url: Variable<Text>,
    /// From the queues module.
    pub queue_arns: Variable<Map<Text>>,
    /// From the queues module.
    pub queue_urls: Variable<Map<Text>>,
    /// From the queues module.
    pub dead_letter_queue_arns: Variable<Map<Text>>,
    /// From the queues module.
    pub dead_letter_queue_urls: Variable<Map<Text>>,
    /// From the table module.
    pub table_names: Variable<Map<Text>>,
    /// From the table module.
    pub table_arns: Variable<Map<Text>>,
    /// From the table module.
    pub orders_stream_arn: Variable<Text>,
    /// From the topics module.
    pub topic_arns: Variable<Map<Text>>,
    /// From the topics module.
    pub topics_key_arn: Variable<Text>,
}

/// The variable for the functions' package, which an environment has too.
pub(crate) fn functions_package() -> Variable<Text> {
    Variable::new(
        "functions_package",
        "Path of the zip file with the functions' one binary, `bootstrap`, built for the environment's architecture.",
    )
}

/// The variable for the payment gateway's address, which an environment has too.
pub(crate) fn payment_gateway_url() -> Variable<Text> {
    Variable::new("payment_gateway_url", "Base URL of the payment gateway (Stripe's API), without a trailing slash.")
}

/// Bounds as the variable takes them.
pub(crate) fn by_queue(bounds: Bounds) -> Vec<(String, u32)> {
    bounds.into_iter().map(|(queue, bound)| (queue.name(), bound)).collect()
}

impl Inputs {
    pub(super) fn new() -> Self {
        Self {
            environment_suffix: environment_suffix(),
            functions_package: functions_package(),
            architecture: Variable::new(
                "architecture",
                "The processor that the package is built for: `arm64` or `x86_64`.",
            )
            .default("arm64"),
            log_retention_days: log_retention_days(),
            maximum_concurrency: Variable::new(
                "maximum_concurrency",
                "Invocations at the same time, at most, for each queue by its name without the suffix; each 2 at least.",
            )
            .default(by_queue(concurrency::bounds())),
            xray_enabled: xray_enabled(),
            emulator: Variable::new(
                "emulator",
                "Run on the local emulator, which asks for permissions of batch calls that AWS does not know.",
            )
            .default(false),
            sms_enabled: Variable::new(
                "sms_enabled",
                "Send SMS to customers who asked for them. Every one costs money.",
            )
            .default(false),
            sms_calling_codes: Variable::new(
                "sms_calling_codes",
                "Calling codes of the numbers that may be sent SMS, separated by commas, e.g. `+44,+353`.",
            )
            .default("+44"),
            manage_account_sms_limit: Variable::new(
                "manage_account_sms_limit",
                "Set the monthly limit for SMS, of which an AWS account has one per region: of the environments in one \
                 account and region, one may own it.",
            )
            .default(false),
            sms_monthly_spend_limit_usd: Variable::new(
                "sms_monthly_spend_limit_usd",
                "US dollars that the account may spend on SMS in a month; then SNS sends none.",
            )
            .default(50),
            push_enabled: Variable::new(
                "push_enabled",
                "Send push notifications to the devices of customers who asked for them.",
            )
            .default(false),
            email_from: Variable::new(
                "email_from",
                "The address that customers' e-mails come from; `null` for none. SES asks it for a confirmation.",
            )
            .default(Value::null()),
            retailer_name: Variable::new("retailer_name", "The retailer's name in customers' messages."),
            support_contact: Variable::new(
                "support_contact",
                "The retailer's customer service in customers' messages: an e-mail address or an `https` URL.",
            ),
            payment_gateway_url: payment_gateway_url(),
            queue_arns: Variable::new("queue_arns", "ARN of each stage's queue, by its name without the suffix."),
            queue_urls: Variable::new("queue_urls", "URL of each stage's queue, by its name without the suffix."),
            dead_letter_queue_arns: Variable::new(
                "dead_letter_queue_arns",
                "ARN of each dead-letter queue, by its name without the suffix.",
            ),
            dead_letter_queue_urls: Variable::new(
                "dead_letter_queue_urls",
                "URL of each dead-letter queue, by its name without the suffix.",
            ),
            table_names: Variable::new("table_names", "Full name of each table, by its name without the suffix."),
            table_arns: Variable::new("table_arns", "ARN of each table, by its name without the suffix."),
            orders_stream_arn: Variable::new("orders_stream_arn", "ARN of the orders table's stream."),
            topic_arns: Variable::new("topic_arns", "ARN of each topic, by its name without the suffix."),
            topics_key_arn: Variable::new("topics_key_arn", "ARN of the key that encrypts the topics."),
        }
    }
}

/// The variables' values inside the module.
pub(super) struct Given {
    pub(super) suffix: Expression<Text>,
    pub(super) package: Expression<Text>,
    pub(super) architecture: Expression<Text>,
    pub(super) log_retention_days: Expression<Number>,
    pub(super) maximum_concurrency: Expression<Map<Number>>,
    pub(super) xray: Expression<Boolean>,
    pub(super) emulator: Expression<Boolean>,
    pub(super) sms: Expression<Boolean>,
    pub(super) sms_calling_codes: Expression<Text>,
    pub(super) manage_account_sms_limit: Expression<Boolean>,
    pub(super) sms_monthly_spend_limit_usd: Expression<Number>,
    pub(super) push: Expression<Boolean>,
    pub(super) email_from: Expression<Text>,
    pub(super) retailer_name: Expression<Text>,
    pub(super) support_contact: Expression<Text>,
    pub(super) payment_gateway_url: Expression<Text>,
    pub(super) queue_arns: Expression<Map<Text>>,
    pub(super) queue_urls: Expression<Map<Text>>,
    pub(super) dead_letter_queue_arns: Expression<Map<Text>>,
    pub(super) dead_letter_queue_urls: Expression<Map<Text>>,
    pub(super) table_names: Expression<Map<Text>>,
    pub(super) table_arns: Expression<Map<Text>>,
    pub(super) orders_stream_arn: Expression<Text>,
    pub(super) topic_arns: Expression<Map<Text>>,
    pub(super) topics_key_arn: Expression<Text>,
    pub(super) secret_arns: BTreeMap<Secret, Expression<Text>>,
    pub(super) location: Location,
}

impl Given {
    /// Declares the variables; the secrets and the location are the module's own.
    pub(super) fn of(
        module: &mut Module,
        inputs: &Inputs,
        secret_arns: BTreeMap<Secret, Expression<Text>>,
        location: Location,
    ) -> Self {
        Self {
            suffix: module.variable(&inputs.environment_suffix),
            package: module.variable(&inputs.functions_package),
            architecture: module.variable(&inputs.architecture),
            log_retention_days: module.variable(&inputs.log_retention_days),
            maximum_concurrency: module.variable(&inputs.maximum_concurrency),
            xray: module.variable(&inputs.xray_enabled),
            emulator: module.variable(&inputs.emulator),
            sms: module.variable(&inputs.sms_enabled),
            sms_calling_codes: module.variable(&inputs.sms_calling_codes),
            manage_account_sms_limit: module.variable(&inputs.manage_account_sms_limit),
            sms_monthly_spend_limit_usd: module.variable(&inputs.sms_monthly_spend_limit_usd),
            push: module.variable(&inputs.push_enabled),
            email_from: module.variable(&inputs.email_from),
            retailer_name: module.variable(&inputs.retailer_name),
            support_contact: module.variable(&inputs.support_contact),
            payment_gateway_url: module.variable(&inputs.payment_gateway_url),
            queue_arns: module.variable(&inputs.queue_arns),
            queue_urls: module.variable(&inputs.queue_urls),
            dead_letter_queue_arns: module.variable(&inputs.dead_letter_queue_arns),
            dead_letter_queue_urls: module.variable(&inputs.dead_letter_queue_urls),
            table_names: module.variable(&inputs.table_names),
            table_arns: module.variable(&inputs.table_arns),
            orders_stream_arn: module.variable(&inputs.orders_stream_arn),
            topic_arns: module.variable(&inputs.topic_arns),
            topics_key_arn: module.variable(&inputs.topics_key_arn),
            secret_arns,
            location,
        }
    }

    /// The ARN of a secret; every one of them is there.
    pub(super) fn secret_arn(&self, secret: Secret) -> Value<Text> {
        self.secret_arns.get(&secret).map_or_else(Value::null, Value::from)
    }
}
