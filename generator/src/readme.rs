//! The README of every generated module and environment, derived from the module itself, so that it is always current.

mod markdown;
#[cfg(test)]
mod tests;
mod usage;

pub(crate) use markdown::code_span;

use std::collections::BTreeMap;

use serde::Serialize;
use tera::{Context, Tera};

use crate::RenderedFile;
use crate::environment::{Backend, EmailAddress, Environment};
use crate::pipeline::Secret;
use crate::terraform::Module;

/// What stands at the top of every generated file, Terraform's included: a file that carries it may be removed.
pub const MARKER: &str = "Written by `cargo run`";

/// A template could not be filled in: a mistake in it, which the source names with the template's file and line.
#[derive(Debug, thiserror::Error)]
#[error("{subject} cannot be made from its template")]
pub struct ReadmeError {
    /// The file that was to be made.
    pub subject: String,
    /// What is wrong with the template.
    #[source]
    pub source: tera::Error,
}

const MODULE: &str = "module_readme.md.tera";
const ENVIRONMENT: &str = "env_readme.md.tera";
/// What both have: tables of inputs, outputs and resources.
const TABLES: &str = "tables.md.tera";

/// The templates, read once: parsing them takes longer than filling them in.
pub struct Readmes {
    templates: Tera,
}

impl Readmes {
    /// Reads the templates, which are part of the program.
    ///
    /// # Errors
    ///
    /// When a template has a mistake.
    pub fn new() -> Result<Self, ReadmeError> {
        let mut templates = Tera::default();
        templates
            .add_raw_templates([
                (MODULE, include_str!("../templates/module_readme.md.tera")),
                (ENVIRONMENT, include_str!("../templates/env_readme.md.tera")),
                (TABLES, include_str!("../templates/tables.md.tera")),
            ])
            .map_err(|source| ReadmeError { subject: "every README".to_owned(), source })?;
        templates.register_filter("cell", markdown::cell);
        templates.register_filter("code", markdown::code);
        Ok(Self { templates })
    }

    /// The README of a module.
    ///
    /// # Errors
    ///
    /// When the template has a mistake.
    pub fn module(&self, module: &Module) -> Result<RenderedFile, ReadmeError> {
        let mut context = context(module);
        context.insert("usage_hcl", &usage::hcl(module));
        context.insert("usage_json", &usage::json(module));
        self.render(module, MODULE, &context)
    }

    /// The README of an environment, whose root module is `root` and calls `modules`.
    ///
    /// # Errors
    ///
    /// When the template has a mistake.
    pub fn environment(
        &self,
        environment: &Environment,
        root: &Module,
        modules: &[Module],
    ) -> Result<RenderedFile, ReadmeError> {
        let mut context = context(root);
        context.insert("suffix", environment.suffix.as_str());
        context.insert("emulator", &environment.emulator);
        context.insert("alarm_email", &environment.alarm_email.as_ref().map(|email| email.as_str()));
        context.insert("email_from", &environment.notifications.email_from.as_ref().map(|email| email.as_str()));
        context.insert("settings", &settings(environment));
        context.insert("required", &usage::required(root).map(|variable| variable.name()).collect::<Vec<_>>());
        context.insert("secrets", &Secret::ALL.map(|secret| (secret.name(), secret.description())));
        let modules: Vec<_> =
            modules.iter().map(|module| ModuleRow { name: module.name(), summary: module.summary() }).collect();
        context.insert("modules", &modules);
        self.render(root, ENVIRONMENT, &context)
    }

    fn render(&self, module: &Module, template: &str, context: &Context) -> Result<RenderedFile, ReadmeError> {
        let path = module.folder().join("README.md");
        match self.templates.render(template, context) {
            Ok(content) => Ok(RenderedFile { path, content }),
            Err(source) => Err(ReadmeError { subject: path.display().to_string(), source }),
        }
    }
}

#[derive(Serialize)]
struct ModuleRow<'m> {
    name: &'m str,
    summary: &'m str,
}

/// What both templates know of a module.
fn context(module: &Module) -> Context {
    let mut context = Context::new();
    context.insert("marker", MARKER);
    context.insert("name", module.name());
    context.insert("summary", module.summary());
    context.insert("inputs", &inputs(module));
    context.insert("outputs", &outputs(module));
    let resources = resources(module);
    context.insert("resource_count", &resources.iter().filter(|row| !row.is_data).map(|row| row.count).sum::<usize>());
    context.insert("resources", &resources);
    context
}

#[derive(Serialize)]
struct InputRow<'m> {
    name: &'m str,
    value_type: &'m str,
    description: &'m str,
    default: Option<String>,
}

fn inputs(module: &Module) -> Vec<InputRow<'_>> {
    let row = |variable| {
        let variable: &crate::terraform::VariableDescription = variable;
        InputRow {
            name: variable.name(),
            value_type: variable.value_type(),
            description: variable.description(),
            default: variable.default().map(|default| default.to_string()),
        }
    };
    module.variables().map(row).collect()
}

#[derive(Serialize)]
struct OutputRow<'m> {
    name: &'m str,
    description: &'m str,
}

fn outputs(module: &Module) -> Vec<OutputRow<'_>> {
    module.outputs().map(|output| OutputRow { name: output.name(), description: output.description() }).collect()
}

/// All resources of one type.
#[derive(Serialize)]
struct ResourceRow {
    type_name: String,
    is_data: bool,
    count: usize,
    names: Vec<String>,
    /// Whether a setting decides about some of them.
    conditional: bool,
}

fn resources(module: &Module) -> Vec<ResourceRow> {
    let mut rows = BTreeMap::new();
    for declared in module.resources() {
        let row = rows.entry((declared.is_data, declared.type_name.clone())).or_insert_with(|| ResourceRow {
            type_name: declared.type_name.clone(),
            is_data: declared.is_data,
            count: 0,
            names: Vec::new(),
            conditional: false,
        });
        row.count += 1;
        row.conditional |= declared.body.contains_key("count");
        row.names.push(declared.name);
    }
    rows.into_values().collect()
}

/// One setting: its key in `env.toml` and its value, as a person would say it.
type SettingRow = (&'static str, String);

fn settings(environment: &Environment) -> Vec<SettingRow> {
    let (api, notifications) = (&environment.api, &environment.notifications);
    let address =
        |address: Option<&EmailAddress>| address.map_or_else(|| "nobody".to_owned(), |address| address.to_string());
    vec![
        ("region", environment.region.to_string()),
        ("architecture", environment.architecture.to_string()),
        ("emulator", environment.emulator.to_string()),
        ("xray", environment.xray.to_string()),
        ("log_retention_days", environment.log_retention_days.days().to_string()),
        ("alarm_email", address(environment.alarm_email.as_ref())),
        (
            "account_concurrency",
            environment.account_concurrency.map_or("not checked".to_owned(), |it| it.invocations().to_string()),
        ),
        ("api.rate_limit", api.rate_limit.requests().to_string()),
        ("api.burst_limit", api.burst_limit.requests().to_string()),
        ("api.webhook_rate_limit", api.webhook_rate_limit.requests().to_string()),
        ("api.webhook_burst_limit", api.webhook_burst_limit.requests().to_string()),
        ("api.manage_account_logging_role", api.manage_account_logging_role.to_string()),
        ("notifications.sms", notifications.sms.to_string()),
        ("notifications.sms_calling_codes", notifications.sms_calling_codes.to_string()),
        ("notifications.manage_account_sms_limit", notifications.manage_account_sms_limit.to_string()),
        ("notifications.sms_monthly_spend_limit_usd", notifications.sms_monthly_spend_limit.dollars().to_string()),
        ("notifications.push", notifications.push.to_string()),
        ("notifications.email_from", address(notifications.email_from.as_ref())),
        ("notifications.retailer_name", notifications.retailer_name.to_string()),
        ("notifications.support_contact", notifications.support_contact.to_string()),
        (
            "backend",
            match &environment.backend {
                Backend::Local => "local".to_owned(),
                Backend::S3 { bucket, key } => format!("s3://{bucket}/{key}"),
            },
        ),
    ]
}
