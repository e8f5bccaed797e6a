//! `docs/openapi.json`: the API for those who call it, from the same description as its Terraform.

use std::path::Path;

use order_contract::api::answers::{Accepted, ProblemDocument};
use order_contract::schema::Components;
use serde_json::{Map, Value, json};

use super::page::FOLDER;
use crate::RenderedFile;
use crate::modules::api::routes::{self, Document, QueueRefusal, READS, Read, SIGNED};
use crate::readme::MARKER;

/// The description.
#[must_use]
pub fn file() -> RenderedFile {
    let mut paths = Map::new();
    let mut schemas = Components::default();
    let mut add = |resource: &str, method: &str, operation: Value| {
        let path = paths.entry(routes::path(resource)).or_insert_with(|| json!({}));
        path[method] = operation;
    };
    for document in &routes::documents() {
        add(document.resource, "post", store(document));
    }
    for read in &READS {
        add(read.resource, "get", answer(read, &mut schemas));
    }
    paths.sort_keys();
    let stored = schemas.reference::<Accepted>();
    let schema = schemas.reference::<ProblemDocument>();
    let problem = |description, retry| problem(description, &schema, retry);
    let document = json!({
        "x-generated": format!("{MARKER} from the generator; do not edit."),
        "openapi": "3.1.0",
        "info": {
            "title": "Order pipeline",
            "version": routes::VERSION,
            "description": "Documents are stored before any code runs: 202 means that one is safe in its queue, not that \
                            it was accepted by the business. What became of an order is told by the reads and by the \
                            topics' events.",
        },
        "servers": [{ "url": "https://{api}.execute-api.eu-west-2.amazonaws.com/v1", "variables": { "api": {
            "default": "api-id", "description": "The output `api_id` of the environment.",
        } } }],
        "paths": paths,
        "components": {
            "securitySchemes": { "sigv4": {
                "type": "apiKey", "in": "header", "name": "Authorization",
                "description": "AWS Signature Version 4, service `execute-api`.",
                "x-amazon-apigateway-authtype": "awsSigv4",
            } },
            "responses": {
                "Stored": {
                    "description": "Stored in its queue.",
                    "content": { "application/json": { "schema": stored } },
                },
                "Refused": problem("The request breaks its model, lacks a parameter, or is not permitted; again it will \
                                    be refused again.", false),
                "RefusedByQueue": problem("The request lacks the signature, or its queue does not take it: it is too large, has \
                                           characters that no message may have, or came too fast. Nothing was stored.", false),
                "NotFound": problem("No such order is stored, or not yet.", true),
                "TryAgain": problem("Throttled, or something is down for the moment: nothing was stored.", true),
            },
            "schemas": schemas.schemas(),
        },
    });
    RenderedFile { path: Path::new(FOLDER).join("openapi.json"), content: format!("{document:#}\n") }
}

fn problem(description: &str, schema: &Value, retry: bool) -> Value {
    let mut problem =
        json!({ "description": description, "content": { (ProblemDocument::MEDIA_TYPE): { "schema": schema } } });
    if retry {
        problem["headers"] =
            json!({ "Retry-After": { "schema": { "type": "integer" }, "description": "In seconds." } });
    }
    problem
}

fn reference(response: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{response}") })
}

/// A route that stores a document.
fn store(document: &Document) -> Value {
    let (description, schema) = match &document.model {
        Some(model) => (model.description, without_dialect(&model.schema)),
        None => ("What the payment gateway tells; its signature is checked when it is read.", json!({})),
    };
    let mut operation = json!({
        "operationId": document.name,
        "parameters": document.parameters.iter().map(|name| parameter(name, true)).collect::<Vec<_>>(),
        "requestBody": {
            "required": true, "description": description, "content": { "application/json": { "schema": schema } },
        },
        "responses": {
            "202": reference("Stored"), "400": reference("Refused"), "403": reference("Refused"),
            "413": reference("Refused"), "415": reference("Refused"), "429": reference("TryAgain"),
            "503": reference("TryAgain"),
        },
    });
    if document.queue_refusal == QueueRefusal::CallersFault {
        operation["responses"]["400"] = reference("RefusedByQueue");
    }
    operation["security"] = security(document.authorization);
    operation
}

/// A read.
fn answer(read: &Read, schemas: &mut Components) -> Value {
    let schema = (read.answer)(schemas);
    json!({
        "operationId": read.name,
        "parameters": read.parameters.iter().map(|(name, required)| parameter(name, *required)).collect::<Vec<_>>(),
        "responses": {
            "200": { "description": "Found.", "content": { "application/json": { "schema": schema } } },
            "400": reference("Refused"), "403": reference("Refused"), "404": reference("NotFound"),
            "429": reference("TryAgain"), "503": reference("TryAgain"),
        },
        "security": security(SIGNED),
    })
}

fn security(authorization: &str) -> Value {
    if authorization == SIGNED { json!([{ "sigv4": [] }]) } else { json!([]) }
}

/// `querystring.limit` as an optional parameter `limit` of the query.
fn parameter(name: &str, required: bool) -> Value {
    let (place, name) = name.split_once('.').unwrap_or(("query", name));
    let place = if place == "querystring" { "query" } else { place };
    json!({ "name": name, "in": place, "required": required, "schema": { "type": "string" } })
}

/// A schema inside this document has the document's own dialect.
fn without_dialect(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(fields) = schema.as_object_mut() {
        fields.shift_remove("$schema");
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules;

    #[test]
    fn every_method_of_the_api_is_described_with_its_authorisation() {
        let document: Value = serde_json::from_str(&file().content).unwrap();
        let module = modules::all().into_iter().find(|module| module.name() == "api").unwrap();
        let methods: Vec<_> =
            module.resources().into_iter().filter(|resource| resource.type_name == "aws_api_gateway_method").collect();
        let operations: Vec<(&String, &Value)> =
            document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap()).collect();
        assert_eq!(operations.len(), methods.len());
        for method in methods {
            let (verb, operation) =
                operations.iter().find(|(_, operation)| operation["operationId"] == *method.name).unwrap();
            assert_eq!(verb.to_uppercase(), method.body["http_method"].as_str().unwrap(), "{}", method.name);
            let open = method.body["authorization"] == "NONE";
            assert_eq!(operation["security"].as_array().unwrap().is_empty(), open, "{}", method.name);
            let named = method.body["request_parameters"].as_object().unwrap().len();
            assert_eq!(operation["parameters"].as_array().unwrap().len(), named, "{}", method.name);
        }
    }

    #[test]
    fn an_event_of_the_history_has_how_the_customer_was_told_beside_what_happened() {
        let document: Value = serde_json::from_str(&file().content).unwrap();
        let answer = &document["paths"]["/orders/{orderId}/history"]["get"]["responses"]["200"];
        let schema = |reference: &Value| {
            document.pointer(reference["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap()["properties"].clone()
        };
        let history = schema(&answer["content"]["application/json"]["schema"]);
        let event = schema(&history["events"]["items"]);
        assert!(event["sequence"].is_object(), "{event}");
        let outcome = &schema(&event["notifications"]["items"])["outcome"]["$ref"];
        assert_eq!(outcome, "#/components/schemas/NotificationOutcome");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let content = file().content;
        let document: Value = serde_json::from_str(&content).unwrap();
        for reference in content.split("\"$ref\": \"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
