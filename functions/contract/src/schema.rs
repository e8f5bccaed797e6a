//! JSON Schemas, from the types that read and write the documents.
//!
//! API Gateway reads draft-04, everything inline
//! (docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html).

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The schema of a document that API Gateway checks.
#[must_use]
pub fn of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    settings.meta_schema = Some("http://json-schema.org/draft-04/schema#".into());
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    keep_draft_04(&mut schema);
    schema
}

/// The schema of what is published, for whoever reads it: draft 2020-12, with what is always there as required.
#[must_use]
pub fn published<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}

/// The schemas of one OpenAPI document (3.1, draft 2020-12), which refer to each other in its `components`.
#[derive(Debug)]
pub struct Components(SchemaGenerator);

impl Default for Components {
    fn default() -> Self {
        let mut settings = SchemaSettings::draft2020_12().for_serialize();
        settings.definitions_path = "/components/schemas".into();
        Self(settings.into_generator())
    }
}

impl Components {
    /// A reference to the schema of a type, which is added if it is not there.
    pub fn reference<T: JsonSchema>(&mut self) -> Value {
        self.0.subschema_for::<T>().to_value()
    }

    /// The schemas by name.
    #[must_use]
    pub fn schemas(mut self) -> Map<String, Value> {
        self.0.take_definitions(true)
    }
}

/// Drops what draft-04 does not know or nobody checks, writes `const` as an `enum`, and a choice of single strings as one
/// `enum`: a model is limited in size, and nobody reads its values' descriptions.
fn keep_draft_04(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.shift_remove("format");
            fields.shift_remove("default");
            if let Some(only) = fields.shift_remove("const") {
                fields.insert("enum".into(), json!([only]));
            }
            fields.values_mut().for_each(keep_draft_04);
            if let Some(names) = fields.get("oneOf").and_then(strings) {
                fields.shift_remove("oneOf");
                fields.insert("type".into(), json!("string"));
                fields.insert("enum".into(), names);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(keep_draft_04),
        _ => {}
    }
}

/// The values of a choice, if all of them are strings.
fn strings(choice: &Value) -> Option<Value> {
    let values = |one: &Value| if one["type"] == "string" { one["enum"].as_array().cloned() } else { None };
    choice.as_array()?.iter().map(values).collect::<Option<Vec<_>>>().map(|values| values.concat().into())
}

#[cfg(test)]
mod tests {
    use order_domain::request::PlaceOrder;

    use super::*;
    use crate::api::{Cancellation, ShipmentUpdate};

    #[test]
    fn a_push_endpoint_is_a_devices_and_neither_a_topic_nor_an_application() {
        // The schema's own pattern, not a copy: what the edge lets through is what this test sees.
        let schema = of::<PlaceOrder>();
        let pattern = &schema["properties"]["customer"]["properties"]["pushEndpoint"]["pattern"];
        let pattern = regex_lite::Regex::new(pattern.as_str().unwrap()).unwrap();
        let endpoint = "arn:aws:sns:eu-west-2:123456789012:endpoint/GCM/Shop/5e3e9847-3183-3f18-a7e8-671c3a57d4b3";
        assert!(pattern.is_match(endpoint));
        for wrong in [
            "arn:aws:sns:eu-west-2:123456789012:orders",
            "arn:aws:sns:eu-west-2:123456789012:app/GCM/Shop",
            "arn:aws:sns:eu-west-2:1:endpoint/GCM/Shop/1",
            "arn:aws:sns:eu-west-2:123456789012:endpoint/GCM/Shop/",
        ] {
            assert!(!pattern.is_match(wrong), "{wrong}");
        }
        assert!(!pattern.is_match(&format!("{endpoint} ")) && !pattern.is_match(&format!("x{endpoint}")));
    }

    #[test]
    fn a_choice_of_strings_is_one_enum_with_the_outer_description() {
        let expected = json!({
            "description": "Why.", "type": "string",
            "enum": ["CUSTOMER_REQUEST", "ORDERED_BY_MISTAKE", "TOO_LATE", "STOPPED_BY_RETAILER"],
        });
        assert_eq!(of::<Cancellation>()["properties"]["reason"], expected);
        // A choice of objects stays one.
        assert_eq!(of::<ShipmentUpdate>()["oneOf"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn the_schema_is_draft_04_without_references() {
        for schema in [of::<PlaceOrder>(), of::<ShipmentUpdate>(), of::<Cancellation>()] {
            let text = schema.to_string();
            assert!(text.contains("draft-04"));
            for unknown in ["$ref", "$defs", "\"const\"", "\"format\"", "\"null\"", "exclusiveM"] {
                assert!(!text.contains(unknown), "{unknown} in {text}");
            }
        }
        let required = of::<PlaceOrder>()["required"].to_string();
        assert!(!required.contains("expectedTotal") && !required.contains("notify"), "{required}");
    }
}
