//! How a module is called: the same call in both of Terraform's notations.

use serde_json::{Map, Value, json};

use crate::terraform::{Module, VariableDescription};

/// The variables that a caller has to give.
pub fn required(module: &Module) -> impl Iterator<Item = &VariableDescription> {
    module.variables().filter(|variable| variable.default().is_none())
}

/// What the example gives a variable: the caller's own variable of the same name, except for the suffix.
fn example(variable: &VariableDescription) -> Option<&'static str> {
    (variable.name() == "environment_suffix").then_some("dev")
}

fn source(module: &Module) -> String {
    format!("../../modules/{}", module.name())
}

/// The call in native syntax, aligned as `terraform fmt` aligns it.
pub fn hcl(module: &Module) -> String {
    let mut lines = vec![("source", format!("\"{}\"", source(module)))];
    for variable in required(module) {
        let value = example(variable).map_or_else(|| format!("var.{}", variable.name()), |text| format!("\"{text}\""));
        lines.push((variable.name(), value));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: String = lines.iter().map(|(name, value)| format!("  {name:width$} = {value}\n")).collect();
    format!("module \"{}\" {{\n{lines}}}", module.name())
}

/// The call in JSON.
pub fn json(module: &Module) -> String {
    let mut arguments = Map::new();
    arguments.insert("source".to_owned(), source(module).into());
    for variable in required(module) {
        let value = example(variable).map_or_else(|| format!("${{var.{}}}", variable.name()), str::to_owned);
        arguments.insert(variable.name().to_owned(), Value::String(value));
    }
    format!("{:#}", json!({ "module": { module.name(): arguments } }))
}
