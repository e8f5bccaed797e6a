//! JSON Schemas, from the types that read and write the documents.
//!
//! API Gateway reads draft-04, everything inline
//! (docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html).

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

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

/// Drops what draft-04 does not know or nobody checks, and says `const` as it does.
fn keep_draft_04(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.shift_remove("format");
            fields.shift_remove("default");
            if let Some(only) = fields.shift_remove("const") {
                fields.insert("enum".into(), json!([only]));
            }
            fields.values_mut().for_each(keep_draft_04);
        }
        Value::Array(values) => values.iter_mut().for_each(keep_draft_04),
        _ => {}
    }
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
