//! Whether an answer is what Stripe's OpenAPI document says: nothing unknown, nothing missing, every type right.

use serde_json::Value;

/// What is wrong with `value` as an instance of `#/components/schemas/<name>`; nothing when it fits.
pub fn problems(specification: &Value, name: &str, value: &Value) -> Vec<String> {
    let schema = &specification["components"]["schemas"][name];
    assert!(schema.is_object(), "there is no schema {name}");
    let mut problems = Vec::new();
    check(specification, schema, value, name, &mut problems);
    problems
}

/// As [`problems`], with the schema of an endpoint's answer.
pub fn answer_problems(specification: &Value, path: &str, method: &str, status: u16, value: &Value) -> Vec<String> {
    let responses = &specification["paths"][path][method]["responses"];
    let response = responses.get(status.to_string()).unwrap_or(&responses["default"]);
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path} has no answer {status}");
    let mut problems = Vec::new();
    check(specification, schema, value, &format!("{method} {path} {status}"), &mut problems);
    problems
}

fn check(specification: &Value, schema: &Value, value: &Value, place: &str, problems: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = specification.pointer(reference.trim_start_matches('#')).unwrap();
        return check(specification, target, value, place, problems);
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let attempts = choices.iter().map(|choice| {
            let mut found = Vec::new();
            check(specification, choice, value, place, &mut found);
            found
        });
        // The choice that fits best says what is wrong.
        let best = attempts.min_by_key(Vec::len).unwrap_or_default();
        problems.extend(best);
        return;
    }
    if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
        problems.push(format!("{place}: {value} is none of {allowed:?}"));
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !fits {
        problems.push(format!("{place}: {value} is no {}", schema["type"]));
        return;
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(specification, &schema["items"], item, &format!("{place}[{index}]"), problems);
    }
    let Some(object) = value.as_object() else { return };
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(required) {
            problems.push(format!("{place}: {required} is missing"));
        }
    }
    for (name, field) in object {
        let place = format!("{place}.{name}");
        let additional = &schema["additionalProperties"];
        match &schema["properties"][name] {
            Value::Null if additional.is_object() => check(specification, additional, field, &place, problems),
            Value::Null if *additional == true => {}
            Value::Null => problems.push(format!("{place}: Stripe has no such field")),
            known => check(specification, known, field, &place, problems),
        }
    }
}

#[test]
fn an_unknown_a_missing_and_a_wrong_field_are_each_a_problem() {
    let schema = serde_json::json!({
        "type": "object", "required": ["id"],
        "properties": {
            "id": { "type": "string" }, "amount": { "type": "integer", "nullable": true },
            "status": { "type": "string", "enum": ["a", "b"] }, "labels": { "additionalProperties": { "type": "string" } },
            "charge": { "anyOf": [{ "type": "string" }, { "$ref": "#/components/schemas/charge" }] },
        },
    });
    let charge = serde_json::json!({ "type": "object", "properties": { "paid": { "type": "boolean" } } });
    let specification = serde_json::json!({ "components": { "schemas": { "payment": schema, "charge": charge } } });
    let of = |value: Value| problems(&specification, "payment", &value);
    let good = serde_json::json!({ "id": "p", "amount": null, "status": "a", "labels": { "x": "y" }, "charge": "ch" });
    assert_eq!(of(good.clone()), Vec::<String>::new());
    for (field, value) in [
        ("colour", serde_json::json!(1)),
        ("id", Value::Null),
        ("amount", serde_json::json!("5")),
        ("status", serde_json::json!("c")),
        ("labels", serde_json::json!({ "x": 1 })),
        ("charge", serde_json::json!({ "paid": "yes" })),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        assert_eq!(of(bad).len(), 1, "{field}");
    }
    assert_eq!(of(serde_json::json!({})).len(), 1);
}
