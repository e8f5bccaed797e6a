//! Checks a rendered resource against a provider's schema. The bindings come from one version of the provider; this check
//! shows that the modules fit the other one too.

use std::fmt;

use serde_json::{Map, Value};

/// Arguments that every resource and module call takes, whatever the provider says.
const META_ARGUMENTS: [&str; 6] = ["count", "depends_on", "dynamic", "for_each", "lifecycle", "provider"];

/// A trimmed schema of one provider version.
#[derive(Debug, Clone)]
pub struct Schema {
    document: Value,
}

/// What in a resource the provider would refuse or warn of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Where, e.g. `aws_lambda_function.payment.environment.variables`.
    pub path: String,
    /// What is wrong there.
    pub problem: &'static str,
}

impl fmt::Display for Breach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.problem)
    }
}

impl Schema {
    /// The schema from a trimmed document.
    ///
    /// # Errors
    ///
    /// The text is not JSON.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        Ok(Self { document: serde_json::from_str(text)? })
    }

    /// Whether the type takes tags.
    #[must_use]
    pub fn takes_tags(&self, type_name: &str) -> bool {
        self.document["resource_schemas"][type_name]["block"]["attributes"].get("tags").is_some()
    }

    /// Everything in a resource's (or data source's) arguments that this provider version would refuse or warn of.
    #[must_use]
    pub fn breaches(&self, is_data: bool, type_name: &str, name: &str, body: &Map<String, Value>) -> Vec<Breach> {
        let section = if is_data { "data_source_schemas" } else { "resource_schemas" };
        let path = format!("{type_name}.{name}");
        match self.document[section].get(type_name) {
            Some(schema) => block_breaches(&path, &schema["block"], body),
            None => vec![Breach { path, problem: "the provider has no such type" }],
        }
    }

    /// The same for the provider's own configuration.
    #[must_use]
    pub fn provider_breaches(&self, body: &Map<String, Value>) -> Vec<Breach> {
        block_breaches("provider", &self.document["provider"]["block"], body)
    }
}

fn block_breaches(path: &str, schema: &Value, body: &Map<String, Value>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut report = |name: &str, problem| breaches.push(Breach { path: format!("{path}.{name}"), problem });
    let given = given_blocks(schema, body);

    for name in body.keys().filter(|name| !META_ARGUMENTS.contains(&name.as_str())) {
        let attribute = schema["attributes"].get(name);
        match attribute.or_else(|| schema["block_types"].get(name)) {
            None => report(name, "the provider has no such argument"),
            Some(found) if found["deprecated"] == true => report(name, "the argument is deprecated"),
            Some(found) if attribute.is_some() && found["required"] != true && found["optional"] != true => {
                report(name, "the argument can only be read");
            }
            Some(_) => {}
        }
    }
    for (name, attribute) in entries(schema, "attributes") {
        if attribute["required"] == true && !body.contains_key(name) {
            report(name, "the required argument is missing");
        }
    }
    for (name, nested) in entries(schema, "block_types") {
        let count = given.iter().filter(|(block, _)| *block == name).count() as u64;
        if count < nested["min_items"].as_u64().unwrap_or(0) {
            report(name, "the required block is missing");
        }
        if nested["max_items"].as_u64().is_some_and(|most| most > 0 && count > most) {
            report(name, "there are more blocks than the provider takes");
        }
    }
    for (name, block) in given {
        breaches.extend(block_breaches(&format!("{path}.{name}"), &schema["block_types"][name]["block"], block));
    }
    breaches
}

/// The nested blocks in a body, the conditional ones (`dynamic`) included.
fn given_blocks<'b>(schema: &Value, body: &'b Map<String, Value>) -> Vec<(&'b str, &'b Map<String, Value>)> {
    let is_block = |name: &str| schema["block_types"].get(name).is_some();
    let mut blocks = Vec::new();
    for (name, value) in body.iter().filter(|(name, _)| is_block(name)) {
        let several = value.as_array().into_iter().flatten().filter_map(Value::as_object);
        blocks.extend(several.chain(value.as_object()).map(|block| (name.as_str(), block)));
    }
    for (name, value) in body.get("dynamic").and_then(Value::as_object).into_iter().flatten() {
        let contents = value.as_array().into_iter().flatten().filter_map(|each| each["content"].as_object());
        blocks.extend(contents.map(|block| (name.as_str(), block)));
    }
    blocks
}

fn entries<'s>(schema: &'s Value, key: &str) -> impl Iterator<Item = (&'s String, &'s Value)> {
    schema.get(key).and_then(Value::as_object).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn breaches(body: &Value) -> Vec<String> {
        let schema = json!({ "resource_schemas": { "aws_thing": { "block": {
            "attributes": {
                "name": { "type": "string", "required": true },
                "size": { "type": "number", "optional": true },
                "old": { "type": "string", "optional": true, "deprecated": true },
                "arn": { "type": "string", "computed": true },
            },
            "block_types": {
                "rule": { "nesting_mode": "list", "min_items": 1, "max_items": 1, "block": {
                    "attributes": { "port": { "type": "number", "required": true } },
                } },
            },
        } } } });
        let schema = Schema::parse(&schema.to_string()).unwrap();
        let body = body.as_object().unwrap();
        schema.breaches(false, "aws_thing", "x", body).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn valid_configuration_has_no_breach() {
        let dynamic = json!({ "rule": [{ "for_each": "${[1]}", "content": { "port": 1 } }] });
        assert_eq!(breaches(&json!({ "name": "n", "size": 1, "rule": [{ "port": 1 }], "count": 1 })), [""; 0]);
        assert_eq!(breaches(&json!({ "name": "n", "rule": { "port": 1 } })), [""; 0]);
        assert_eq!(breaches(&json!({ "name": "n", "dynamic": dynamic })), [""; 0]);
    }

    #[test]
    fn every_kind_of_breach_is_found_and_says_where() {
        let rule = json!([{ "port": 1 }]);
        for (body, breach) in [
            (json!({ "rule": rule }), "aws_thing.x.name: the required argument is missing"),
            (json!({ "name": "n", "rule": rule, "siz": 1 }), "aws_thing.x.siz: the provider has no such argument"),
            (json!({ "name": "n", "rule": rule, "old": "o" }), "aws_thing.x.old: the argument is deprecated"),
            (json!({ "name": "n", "rule": rule, "arn": "a" }), "aws_thing.x.arn: the argument can only be read"),
            (json!({ "name": "n" }), "aws_thing.x.rule: the required block is missing"),
            (
                json!({ "name": "n", "rule": [{ "port": 1 }, { "port": 2 }] }),
                "aws_thing.x.rule: there are more blocks than the provider takes",
            ),
            (json!({ "name": "n", "rule": [{}] }), "aws_thing.x.rule.port: the required argument is missing"),
        ] {
            assert_eq!(breaches(&body), [breach]);
        }
    }

    #[test]
    fn a_type_that_the_provider_does_not_have_is_a_breach() {
        let schema = Schema::parse(r#"{"resource_schemas": {}}"#).unwrap();
        let found = schema.breaches(false, "aws_nothing", "x", &Map::new());
        assert_eq!(found[0].to_string(), "aws_nothing.x: the provider has no such type");
    }
}
