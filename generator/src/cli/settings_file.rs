//! The `env.toml` of a new environment, with a comment on every setting.

use generator::environment::{Backend, CallingCodes, Environment, Region, RequestLimit, SpendLimit, Suffix};
use serde::Serialize;

use super::error::Error;

const TEMPLATE: &str = "env.toml.tera";

/// What the template is filled in with.
#[derive(Debug, Serialize)]
struct Values<'e> {
    suffix: &'e str,
    region: &'static str,
    architecture: &'static str,
    emulator: bool,
    xray: bool,
    log_retention_days: u16,
    alarm_email: Option<&'e str>,
    account_concurrency: Option<u32>,
    rate_limit: u32,
    burst_limit: u32,
    webhook_rate_limit: u32,
    webhook_burst_limit: u32,
    manage_account_logging_role: bool,
    sms: bool,
    sms_calling_codes: Vec<String>,
    sms_monthly_spend_limit_usd: u32,
    push: bool,
    email_from: Option<&'e str>,
    retailer_name: &'e str,
    support_contact: &'e str,
    bucket: Option<&'e str>,
    key: Option<String>,
}

impl<'e> Values<'e> {
    /// A small environment on AWS, which sends nothing that costs money.
    fn usual(suffix: &'e Suffix) -> Self {
        Self {
            suffix: suffix.as_str(),
            region: Region::NAME,
            architecture: "arm64",
            emulator: false,
            xray: true,
            log_retention_days: 30,
            alarm_email: None,
            account_concurrency: None,
            rate_limit: 200,
            burst_limit: 400,
            webhook_rate_limit: RequestLimit::WEBHOOK_RATE.requests(),
            webhook_burst_limit: RequestLimit::WEBHOOK_BURST.requests(),
            manage_account_logging_role: false,
            sms: false,
            sms_calling_codes: CallingCodes::united_kingdom().codes().to_vec(),
            sms_monthly_spend_limit_usd: SpendLimit::USUAL.dollars(),
            push: false,
            email_from: None,
            retailer_name: "Example Retail",
            support_contact: "help@example.com",
            bucket: None,
            key: None,
        }
    }

    fn of(original: &'e Environment, suffix: &'e Suffix) -> Self {
        let (bucket, key) = match &original.backend {
            Backend::Local => (None, None),
            Backend::S3 { bucket, key } => {
                let key = state_key(key.as_str(), original.suffix.as_str(), suffix.as_str());
                (Some(bucket.as_str()), Some(key))
            }
        };
        let notifications = &original.notifications;
        Self {
            suffix: suffix.as_str(),
            region: original.region.as_str(),
            architecture: original.architecture.as_str(),
            emulator: original.emulator,
            xray: original.xray,
            log_retention_days: original.log_retention_days.days(),
            alarm_email: original.alarm_email.as_ref().map(|email| email.as_str()),
            account_concurrency: original.account_concurrency.map(|it| it.invocations()),
            rate_limit: original.api.rate_limit.requests(),
            burst_limit: original.api.burst_limit.requests(),
            webhook_rate_limit: original.api.webhook_rate_limit.requests(),
            webhook_burst_limit: original.api.webhook_burst_limit.requests(),
            // The original has the role already, and a second owner would take it away when it is destroyed.
            manage_account_logging_role: original.emulator && original.api.manage_account_logging_role,
            sms: notifications.sms,
            sms_calling_codes: notifications.sms_calling_codes.codes().to_vec(),
            sms_monthly_spend_limit_usd: notifications.sms_monthly_spend_limit.dollars(),
            push: notifications.push,
            // An address is one environment's: a second one would take it away when it is destroyed.
            email_from: notifications.email_from.as_ref().filter(|_| original.emulator).map(|email| email.as_str()),
            retailer_name: notifications.retailer_name.as_str(),
            support_contact: notifications.support_contact.as_str(),
            bucket,
            key,
        }
    }
}

/// A key beside the original's: two environments with one state would destroy each other.
fn state_key(original: &str, from: &str, to: &str) -> String {
    for (before, after) in [("/", "."), ("/", "/"), ("-", ".")] {
        let own = format!("{before}{from}{after}");
        if original.contains(&own) {
            return original.replacen(&own, &format!("{before}{to}{after}"), 1);
        }
    }
    format!("order-pipeline/{to}.tfstate")
}

/// The text of the new environment's file.
pub fn text(suffix: &Suffix, original: Option<&Environment>) -> Result<String, Error> {
    let values = match original {
        Some(original) => Values::of(original, suffix),
        None => Values::usual(suffix),
    };
    let failed = |source| Error::Template { template: TEMPLATE, source };
    let context = tera::Context::from_serialize(values).map_err(failed)?;
    tera::Tera::one_off(include_str!("../../templates/env.toml.tera"), &context, false).map_err(failed)
}
