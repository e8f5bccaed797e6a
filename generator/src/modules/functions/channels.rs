//! The channels to customers: e-mail, SMS and push, with their senders and limits. Each channel has its own policy, which
//! exists only in an environment that uses the channel.

use super::conditional_policy::policy_when;
use super::inputs::Given;
use super::mail_events;
use crate::aws::iam_role::IamRoleReference;
use crate::aws::{Sesv2EmailIdentity, SnsSmsPreferences};
use crate::iam::{Effect, Statement};
use crate::pipeline::{Grant, StageDescription};
use crate::template;
use crate::terraform::Module;

/// Adds what the channels need that the stage is granted.
pub(super) fn add(module: &mut Module, stage: &StageDescription, given: &Given, role: &IamRoleReference) {
    if stage.has(Grant::TextCustomers) {
        // A telephone number has no ARN, so that only everything can be permitted that is not a topic or an application.
        let topics = template!["arn:", &given.location.partition, ":sns:*:*:*"];
        let text = Statement::new("TextCustomers", Effect::Allow, &["sns:Publish"]).on_all_but(vec![topics]);
        policy_when(module, stage, given, role, &given.sms, "sms", vec![text]);
        // A limit on what a mistake or an attacker can cost: SNS stops when the month's money is spent.
        module.add_when(
            &given.manage_account_sms_limit,
            "account",
            SnsSmsPreferences {}.monthly_spend_limit(&given.sms_monthly_spend_limit_usd),
        );
    }
    if stage.has(Grant::EmailCustomers) {
        let wanted = given.email_from.is_set();
        let identity = module.add_when(&wanted, "customers", Sesv2EmailIdentity { email_identity: &given.email_from });
        let configuration_set = mail_events::add(module, stage, given);
        // Both are asked for where a mail names its configuration set.
        let with = vec![identity.under_same_condition().arn().into(), configuration_set.into()];
        let send = Statement::allow("EmailCustomers", SEND_EMAIL, with).sent_from(&given.email_from);
        policy_when(module, stage, given, role, &wanted, "email", vec![send]);
        let anywhere = Statement::new("EmailCustomers", Effect::Allow, SEND_EMAIL)
            .on_any("the emulator asks for the sending of mail without a resource");
        let on_the_emulator = given.emulator.and(&wanted);
        policy_when(module, stage, given, role, &on_the_emulator, "email-emulator", vec![anywhere]);
    }
    if stage.has(Grant::PushToCustomers) {
        // A customer's device is an endpoint of its own, which the retailer's app makes.
        let devices = given.location.arn("sns", "endpoint/*");
        let push = Statement::allow("PushToCustomers", &["sns:Publish"], vec![devices]);
        policy_when(module, stage, given, role, &given.push, "push", vec![push]);
    }
}

const SEND_EMAIL: &[&str] = &["ses:SendEmail"];
