//! `docs/permissions.md`: who may do what, as the modules' policies say it.

mod beyond_iam;
mod role;

use std::fmt::Write as _;

use serde_json::Value;

pub use role::{Permission, Role};

use super::document;
use super::page::page;
use crate::RenderedFile;
use crate::readme::code_span;
use crate::terraform::{Declared, Module};

/// Every role of the modules, by name.
///
/// # Errors
///
/// A policy that cannot be read: one that was not written by [`Policy`](crate::iam::Policy).
pub fn roles(modules: &[Module]) -> Result<Vec<Role>, String> {
    let mut roles = Vec::new();
    for module in modules {
        let resources = module.resources();
        for role in resources.iter().filter(|resource| resource.type_name == "aws_iam_role") {
            roles.push(read_role(role, &resources)?);
        }
    }
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(roles)
}

fn read_role(role: &Declared, resources: &[Declared]) -> Result<Role, String> {
    let trust = statements(role, "assume_role_policy")?;
    let services: Vec<String> = trust.iter().map(|statement| shown(&statement["Principal"]["Service"])).collect();
    let mut permissions = Vec::new();
    let reference = format!("${{aws_iam_role.{}", role.name);
    let of_role = |policy: &&Declared| {
        policy.type_name == "aws_iam_role_policy"
            && ["", "[0]"].iter().any(|index| text(policy, "role") == format!("{reference}{index}.id}}"))
    };
    for policy in resources.iter().filter(of_role) {
        let when = policy.body.get("count").and_then(Value::as_str).map(condition);
        for statement in statements(policy, "policy")? {
            permissions.push(permission(&statement, when.clone()));
        }
    }
    Ok(Role {
        name: text(role, "name").replace("-${var.environment_suffix}", ""),
        description: text(role, "description").to_owned(),
        assumed_by: services.join(", "),
        permissions,
    })
}

fn text<'d>(resource: &'d Declared, argument: &str) -> &'d str {
    resource.body.get(argument).and_then(Value::as_str).unwrap_or_default()
}

fn statements(resource: &Declared, argument: &str) -> Result<Vec<Value>, String> {
    document::read(text(resource, argument))
        .and_then(|document| document["Statement"].as_array().cloned())
        .ok_or_else(|| format!("the policy of {}.{} is not one of src/iam.rs", resource.type_name, resource.name))
}

fn permission(statement: &Value, when: Option<String>) -> Permission {
    let all = |value: &Value| match value {
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Null => Vec::new(),
        one => vec![shown(one)],
    };
    let except = !statement["NotResource"].is_null();
    let mut conditions = Vec::new();
    for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            conditions.push(format!("{key} {operator} {}", all(value).join(", ")));
        }
    }
    Permission {
        id: shown(&statement["Sid"]),
        when,
        effect: shown(&statement["Effect"]),
        actions: all(&statement["Action"]),
        resources: all(&statement[if except { "NotResource" } else { "Resource" }]),
        except,
        conditions,
    }
}

/// `${var.sms_enabled ? 1 : 0}` as `sms_enabled`.
fn condition(count: &str) -> String {
    count.trim_start_matches("${").trim_end_matches(" ? 1 : 0}").replace("var.", "")
}

/// A text with short names for its references.
fn shown(value: &Value) -> String {
    let mut rest = value.as_str().unwrap_or_default();
    let mut shown = String::new();
    while let Some((before, after)) = rest.split_once("${") {
        let (reference, behind) = after.split_once('}').unwrap_or((after, ""));
        shown += before;
        shown += &short(reference);
        rest = behind;
    }
    shown + rest
}

/// `var.queue_arns["payment-queue"]` as `payment-queue`, `aws_secretsmanager_secret.webhook_secret.arn` as
/// `secret webhook-secret`, `data.aws_partition.current.partition` as `{partition}`.
fn short(reference: &str) -> String {
    if let Some((_, key)) = reference.split_once("[\"") {
        return key.trim_end_matches("\"]").to_owned();
    }
    let parts: Vec<&str> = reference.split('.').collect();
    match parts.as_slice() {
        ["data", "aws_caller_identity", ..] => "{account}".to_owned(),
        ["data", type_name, ..] => format!("{{{}}}", type_name.trim_start_matches("aws_")),
        ["var", name] => (*name).to_owned(),
        [type_name, name, _] => format!("{} {}", shown_type(type_name), name.trim_end_matches("[0]").replace('_', "-")),
        _ => reference.to_owned(),
    }
}

fn shown_type(type_name: &str) -> &str {
    match type_name {
        "aws_cloudwatch_log_group" => "log group",
        "aws_secretsmanager_secret" => "secret",
        "aws_sesv2_configuration_set" => "configuration set",
        "aws_sesv2_email_identity" => "e-mail identity",
        other => other,
    }
}

/// The page.
///
/// # Errors
///
/// A policy that cannot be read.
pub fn file(modules: &[Module]) -> Result<RenderedFile, String> {
    let mut text = String::from(
        "What each role may do, read from the policies in `modules/`. A name such as `payment-queue` stands for the ARN of that\n\
         resource in the environment. A policy that is there only under a condition names the module's variable.\n",
    );
    let roles = roles(modules)?;
    text += &beyond_iam::section(&roles);
    for role in &roles {
        let _ = write!(
            text,
            "\n## {}\n\n{} For `{}`.\n\n| statement | actions | resources | only |\n| --- | --- | --- | --- |\n",
            role.name, role.description, role.assumed_by
        );
        for permission in &role.permissions {
            let _ = writeln!(
                text,
                "| {} | {} | {}{} | {} |",
                permission.id,
                codes(&permission.actions),
                if permission.except { "everything but " } else { "" },
                codes(&permission.resources),
                only(permission)
            );
        }
    }
    Ok(page("permissions.md", "Permissions", &text))
}

fn codes(texts: &[String]) -> String {
    texts.iter().map(|text| code_span(text)).collect::<Vec<_>>().join("<br>")
}

fn only(permission: &Permission) -> String {
    let when = permission.when.iter().map(|when| format!("where {}", code_span(when)));
    let conditions = permission.conditions.iter().map(|condition| code_span(condition));
    when.chain(conditions).collect::<Vec<_>>().join("<br>")
}
