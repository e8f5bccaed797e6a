//! `terraform validate` accepts every environment and every module.
//!
//! Loading the provider's schema takes Terraform seconds, each time. So one root module calls all of them, which
//! validates the same files as a run in each of their folders.

use std::fs;

use generator::modules;
use generator::terraform::Module;
use serde_json::{Map, Value, json};

use crate::support::{Terraform, roots, write};

/// P7: elsewhere the Terraform could not be validated, and one role served all functions.
#[test]
fn terraform_validates_every_environment_and_every_module() {
    let terraform = Terraform::new();
    let folder = terraform.folder.path();
    let (modules, roots) = (modules::all(), roots());
    write(folder, &modules);
    write(folder, &roots);

    let mut variables = Map::new();
    let mut calls = Map::new();
    for module in modules.iter().chain(&roots) {
        calls.insert(module.name().to_owned(), call(module, &mut variables));
    }
    let document = json!({ "variable": variables, "module": calls });
    fs::write(folder.join("main.tf.json"), document.to_string()).unwrap();

    terraform.run(&["init", "-input=false", "-no-color"]);
    // An environment ignores its backend when it is called; everything else is as in its own folder.
    let answer: Value = serde_json::from_str(&terraform.run(&["validate", "-json"])).unwrap();
    assert_eq!(answer["error_count"], 0, "{answer:#}");
    let warnings = answer["diagnostics"].as_array().unwrap();
    let unexpected: Vec<_> =
        warnings.iter().filter(|warning| warning["summary"] != "Backend configuration ignored").collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

/// A call that gives the module every variable it needs: from variables of the root, whose values validation does not
/// know and therefore not question.
fn call(module: &Module, variables: &mut Map<String, Value>) -> Value {
    let mut call = Map::new();
    call.insert("source".to_owned(), format!("./{}", module.folder().display()).into());
    for variable in module.variables().filter(|variable| variable.default().is_none()) {
        let name = format!("{}_{}", module.name(), variable.name());
        call.insert(variable.name().to_owned(), format!("${{var.{name}}}").into());
        variables.insert(name, json!({ "type": variable.value_type() }));
    }
    call.into()
}
