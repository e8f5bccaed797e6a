//! API Gateway's proxy events and answers.

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use order_contract::api::answers::ProblemDocument;
use serde_json::{Value, json};

use crate::stages::query::{Answer, Question};

/// What a request asks; `None` where the API has a route that this function does not know.
#[must_use]
pub fn question(request: &ApiGatewayProxyRequest) -> Option<Question> {
    let path = |name: &str| request.path_parameters.get(name).cloned();
    let query = |name: &str| request.query_string_parameters.first(name).map(str::to_owned);
    match request.resource.as_deref()? {
        "/orders/{orderId}" => Some(Question::Order(path("orderId")?)),
        "/orders/{orderId}/history" => Some(Question::History(path("orderId")?)),
        "/customers/{customerId}/orders" => Some(Question::CustomerOrders {
            customer: path("customerId")?,
            limit: query("limit"),
            cursor: query("cursor"),
        }),
        _ => None,
    }
}

/// The answer in the form of a proxy integration.
#[must_use]
pub fn response(answer: &Answer) -> Value {
    let content_type = if answer.status < 400 { "application/json" } else { ProblemDocument::MEDIA_TYPE };
    let mut headers = json!({ "Content-Type": content_type, "Cache-Control": "no-store" });
    if let Some(seconds) = answer.retry_after {
        headers["Retry-After"] = seconds.to_string().into();
    }
    json!({ "statusCode": answer.status, "headers": headers, "body": answer.body.to_string(), "isBase64Encoded": false })
}
