//! Cuts the provider's schema (13 MB for AWS) down to what the generator uses, so that it can lie in git and be read.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Why a schema cannot be trimmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The document is not what `terraform providers schema -json` prints.
    #[error("the document has no `{path}`; pass the whole output of `terraform providers schema -json`")]
    Missing {
        /// What was looked for.
        path: String,
    },
    /// The provider does not know a type of the list.
    #[error("the provider has no {section} `{name}`; correct generator/schema/types.txt")]
    UnknownType {
        /// `resource`, `data` or `endpoint`.
        section: String,
        /// The name in the list.
        name: String,
    },
    /// A line of the list is not understood.
    #[error("generator/schema/types.txt has the line `{line}`; a line is `resource`, `data` or `endpoint` and a name")]
    BadLine {
        /// The line.
        line: String,
    },
}

const PROVIDER: &str = "registry.terraform.io/hashicorp/aws";

/// Keeps of a full schema what the list `types` names (see [`TYPES`](super::TYPES)), without descriptions and in a
/// stable order.
///
/// # Errors
///
/// The document is not a schema, or lacks a type of the list.
pub fn trim(full: &Value, types: &str) -> Result<Value, SchemaError> {
    let schema = object(&full["provider_schemas"], PROVIDER, "provider_schemas")?;
    let mut resources = BTreeMap::new();
    let mut data = BTreeMap::new();
    let mut endpoints = Vec::new();
    for line in types.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (section, name) = line.split_once(' ').ok_or_else(|| SchemaError::BadLine { line: line.to_owned() })?;
        let of = |key: &str| {
            let unknown = || SchemaError::UnknownType { section: section.to_owned(), name: name.to_owned() };
            schema[key].get(name).map(block_holder).ok_or_else(unknown)
        };
        match section {
            "resource" => drop(resources.insert(name, of("resource_schemas")?)),
            "data" => drop(data.insert(name, of("data_source_schemas")?)),
            "endpoint" => endpoints.push(name),
            _ => return Err(SchemaError::BadLine { line: line.to_owned() }),
        }
    }
    let mut provider = block_holder(&schema["provider"]);
    if let Some(known) =
        provider.pointer_mut("/block/block_types/endpoints/block/attributes").and_then(Value::as_object_mut)
    {
        if let Some(name) = endpoints.iter().find(|name| !known.contains_key(**name)) {
            return Err(SchemaError::UnknownType { section: "endpoint".to_owned(), name: (*name).to_owned() });
        }
        known.retain(|name, _| endpoints.contains(&name.as_str()));
    }
    Ok(json!({ "provider": provider, "data_source_schemas": data, "resource_schemas": resources }))
}

fn object<'v>(value: &'v Value, key: &str, path: &str) -> Result<&'v Value, SchemaError> {
    value.get(key).ok_or_else(|| SchemaError::Missing { path: format!("{path}.{key}") })
}

fn block_holder(schema: &Value) -> Value {
    json!({ "block": block(&schema["block"]) })
}

fn block(schema: &Value) -> Value {
    let mut kept = Map::new();
    if let Some(attributes) = schema["attributes"].as_object() {
        kept.insert("attributes".to_owned(), sorted(attributes, attribute));
    }
    if let Some(blocks) = schema["block_types"].as_object() {
        kept.insert("block_types".to_owned(), sorted(blocks, nested_block));
    }
    kept.into()
}

fn attribute(schema: &Value) -> Value {
    keep(schema, &["type", "nested_type", "required", "optional", "computed", "sensitive", "deprecated"])
}

fn nested_block(schema: &Value) -> Value {
    let mut kept = keep(schema, &["nesting_mode", "min_items", "max_items"]);
    kept["block"] = block(&schema["block"]);
    if schema["block"]["deprecated"] == true || schema["deprecated"] == true {
        kept["deprecated"] = true.into();
    }
    kept
}

fn keep(schema: &Value, keys: &[&str]) -> Value {
    keys.iter()
        .filter_map(|key| schema.get(*key).map(|value| ((*key).to_owned(), value.clone())))
        .collect::<Map<_, _>>()
        .into()
}

fn sorted(entries: &Map<String, Value>, trimmed: impl Fn(&Value) -> Value) -> Value {
    let entries: BTreeMap<_, _> = entries.iter().map(|(name, entry)| (name, trimmed(entry))).collect();
    json!(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Value {
        let thing = json!({ "version": 3, "block": {
            "attributes": {
                "name": { "type": "string", "description": "A name.", "description_kind": "plain", "required": true },
                "arn": { "type": "string", "computed": true },
            },
            "block_types": { "rule": { "nesting_mode": "list", "max_items": 1, "block": {
                "deprecated": true, "attributes": { "port": { "type": "number", "optional": true } },
            } } },
        } });
        let endpoints =
            json!({ "sqs": { "type": "string", "optional": true }, "sns": { "type": "string", "optional": true } });
        json!({ "provider_schemas": { PROVIDER: {
            "provider": { "block": { "block_types": {
                "endpoints": { "nesting_mode": "set", "block": { "attributes": endpoints } },
            } } },
            "resource_schemas": { "aws_thing": thing, "aws_other": { "block": {} } },
            "data_source_schemas": {},
        } } })
    }

    #[test]
    fn only_what_the_list_names_is_kept_without_descriptions_and_in_order() {
        let trimmed = trim(&full(), "# a comment\n\nresource aws_thing\nendpoint sqs\n").unwrap();
        let thing = json!({ "block": {
            "attributes": { "arn": { "type": "string", "computed": true }, "name": { "type": "string", "required": true } },
            "block_types": { "rule": {
                "nesting_mode": "list",
                "max_items": 1,
                "block": { "attributes": { "port": { "type": "number", "optional": true } } },
                "deprecated": true,
            } },
        } });
        assert_eq!(trimmed["resource_schemas"].to_string(), json!({ "aws_thing": thing }).to_string());
        let endpoints = &trimmed["provider"]["block"]["block_types"]["endpoints"]["block"]["attributes"];
        assert_eq!(endpoints, &json!({ "sqs": { "type": "string", "optional": true } }));
    }

    #[test]
    fn what_cannot_be_trimmed_is_named() {
        let error = |types: &str| trim(&full(), types).unwrap_err().to_string();
        assert!(error("resource aws_thin").contains("no resource `aws_thin`"));
        assert!(error("endpoint sq").contains("no endpoint `sq`"));
        assert!(error("provider aws").contains("the line `provider aws`"));
        assert!(trim(&json!({}), "").unwrap_err().to_string().contains("terraform providers schema -json"));
    }
}
