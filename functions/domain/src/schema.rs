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
