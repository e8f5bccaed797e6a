//! The tables of an `env.toml`. Each is read whole before it is refused, so that all of its problems are found.

use super::settings::Settings;
use super::{CallingCodes, EmailAddress, RequestLimit, RetailerName, SpendLimit, SupportContact};

/// The `[api]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSettings {
    /// Requests a second that the stage admits.
    pub rate_limit: RequestLimit,
    /// Requests that it admits at once, above the rate.
    pub burst_limit: RequestLimit,
    /// Calls a second of the payment gateway's webhook, which anybody may call.
    pub webhook_rate_limit: RequestLimit,
    /// Calls of it at once, above the rate.
    pub webhook_burst_limit: RequestLimit,
    /// Whether this environment owns API Gateway's logging role, of which an AWS account has one per region.
    pub manage_account_logging_role: bool,
}

/// The `[notifications]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationSettings {
    /// Whether SMS may be sent: every message costs money.
    pub sms: bool,
    /// The countries that they may be sent to.
    pub sms_calling_codes: CallingCodes,
    /// Whether this environment owns the account's monthly limit for SMS, of which an account has one per region.
    pub manage_account_sms_limit: bool,
    /// The limit.
    pub sms_monthly_spend_limit: SpendLimit,
    /// Whether push notifications may be sent.
    pub push: bool,
    /// The address that e-mails come from; `None` where none may be sent.
    pub email_from: Option<EmailAddress>,
    /// The retailer's name in customers' messages.
    pub retailer_name: RetailerName,
    /// Where customers find help.
    pub support_contact: SupportContact,
}

impl ApiSettings {
    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let rate_limit = settings.required("api.rate_limit");
        let burst_limit = settings.required("api.burst_limit");
        let webhook_rate_limit = settings.optional("api.webhook_rate_limit");
        let webhook_burst_limit = settings.optional("api.webhook_burst_limit");
        let manage_account_logging_role = settings.required("api.manage_account_logging_role");
        Some(Self {
            rate_limit: rate_limit?,
            burst_limit: burst_limit?,
            webhook_rate_limit: webhook_rate_limit.unwrap_or(RequestLimit::WEBHOOK_RATE),
            webhook_burst_limit: webhook_burst_limit.unwrap_or(RequestLimit::WEBHOOK_BURST),
            manage_account_logging_role: manage_account_logging_role?,
        })
    }
}

impl NotificationSettings {
    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let sms = settings.required("notifications.sms");
        let sms_calling_codes = settings.optional("notifications.sms_calling_codes");
        let manage_account_sms_limit = settings.optional("notifications.manage_account_sms_limit");
        let sms_monthly_spend_limit = settings.optional("notifications.sms_monthly_spend_limit_usd");
        let push = settings.optional("notifications.push");
        let email_from = settings.optional("notifications.email_from");
        let retailer_name = settings.required("notifications.retailer_name");
        let support_contact = settings.required("notifications.support_contact");
        Some(Self {
            sms: sms?,
            sms_calling_codes: sms_calling_codes.unwrap_or_else(CallingCodes::united_kingdom),
            manage_account_sms_limit: manage_account_sms_limit.unwrap_or(false),
            sms_monthly_spend_limit: sms_monthly_spend_limit.unwrap_or(SpendLimit::USUAL),
            push: push.unwrap_or(false),
            email_from,
            retailer_name: retailer_name?,
            support_contact: support_contact?,
        })
    }
}
