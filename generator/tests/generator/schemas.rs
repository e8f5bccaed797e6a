//! Everything that is written fits the provider at both ends of the version constraint.

use std::collections::BTreeSet;

use generator::modules;
use generator::schema::{Schema, TYPES};
use generator::terraform::Module;
use serde_json::Value;

use crate::support::roots;

const SCHEMAS: [(&str, &str); 2] =
    [("5.100", include_str!("../../schema/aws-5.100.json")), ("6.62", include_str!("../../schema/aws-6.62.json"))];

#[test]
fn every_resource_fits_both_ends_of_the_provider_constraint() {
    for (version, text) in SCHEMAS {
        let schema = Schema::parse(text).unwrap();
        let of_module = |module: &Module| {
            let check = |resource: &generator::terraform::Declared| {
                schema.breaches(resource.is_data, &resource.type_name, &resource.name, &resource.body)
            };
            module.resources().iter().flat_map(check).collect::<Vec<_>>()
        };
        let breaches: Vec<_> = modules::all().iter().flat_map(of_module).map(|breach| breach.to_string()).collect();
        assert!(breaches.is_empty(), "provider {version} would refuse or warn of:\n{}", breaches.join("\n"));
    }
}

#[test]
fn every_environments_provider_configuration_fits_both_ends_of_the_constraint() {
    for (version, text) in SCHEMAS {
        let schema = Schema::parse(text).unwrap();
        for root in roots() {
            let provider = provider(&root);
            let breaches = schema.provider_breaches(provider.as_object().unwrap());
            assert!(breaches.is_empty(), "{} with provider {version}: {breaches:?}", root.name());
        }
    }
}

#[test]
fn a_schema_holds_exactly_the_types_of_the_list() {
    let listed = |section: &str| -> BTreeSet<&str> {
        TYPES.lines().filter_map(|line| line.strip_prefix(section)?.strip_prefix(' ')).collect()
    };
    for (version, text) in SCHEMAS {
        let schema: Value = serde_json::from_str(text).unwrap();
        for (section, key) in [("resource", "resource_schemas"), ("data", "data_source_schemas")] {
            let held: BTreeSet<_> = schema[key].as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(held, listed(section), "schema/aws-{version}.json: trim it again, see schema/README.md");
        }
    }
}

#[test]
fn every_listed_type_is_used() {
    let used: BTreeSet<_> = modules::all()
        .iter()
        .flat_map(Module::resources)
        .map(|resource| format!("{} {}", if resource.is_data { "data" } else { "resource" }, resource.type_name))
        .collect();
    let listed = TYPES.lines().filter(|line| line.starts_with("resource ") || line.starts_with("data "));
    let unused: Vec<_> = listed.filter(|line| !used.contains(*line)).collect();
    assert!(unused.is_empty(), "remove from schema/types.txt: {unused:?}");
}

fn provider(root: &Module) -> Value {
    let files = root.files().unwrap();
    let file = files.iter().find(|file| file.path.ends_with("providers.tf.json")).unwrap();
    serde_json::from_str::<Value>(&file.content).unwrap()["provider"]["aws"].clone()
}
