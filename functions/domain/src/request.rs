//! The document that a client sends to place an order, and the JSON Schema of the API's model, from the same type.
//!
//! The schema has the rules that API Gateway can check (shape, lengths, patterns); [`crate::catalogue`] has the rules that need code.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CustomerId, OrderId, PaymentCustomerToken, PaymentMethodToken, Sku};
use crate::money::Currency;

/// Most lines of one order. A reservation writes the order, its event, and two items a line in one transaction,
/// and a transaction takes 100 items (docs.aws.amazon.com/amazondynamodb, TransactWriteItems).
pub const MAX_LINES: usize = 40;

/// ARN of a device's endpoint: platform, application, id (docs.aws.amazon.com/sns/latest/dg/mobile-push-send.html). A topic's
/// or an application's ARN would let a client publish to it.
const PUSH_ENDPOINT: &str =
    r"^arn:aws:sns:[a-z0-9-]+:[0-9]{12}:endpoint/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/[A-Za-z0-9-]+$";

/// A request to place an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrder {
    /// The order's id, chosen by the client. A repeated request with the same id places one order.
    pub order_id: OrderId,
    /// The customer's id.
    pub customer_id: CustomerId,
    /// How to reach the customer.
    pub customer: Customer,
    /// The channels on which the customer wants to be notified.
    #[serde(default)]
    pub notify: BTreeSet<Channel>,
    /// The ordered lines.
    #[schemars(length(min = 1, max = 40))]
    pub items: Vec<Item>,
    /// The delivery address.
    pub shipping_address: Address,
    /// The currency that the client expects to pay in.
    pub currency: Currency,
    /// The payment method.
    pub payment: Payment,
    /// The total that the customer was shown, in minor units. Only compared, never charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", range(max = 99_999_999))]
    pub expected_total: Option<u64>,
}

/// How to reach the customer. `Debug` hides it: personal data never reaches a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Customer {
    /// Name for the greeting and the parcel.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// E-mail address.
    #[schemars(length(max = 254), regex(pattern = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"))]
    pub email: String,
    /// Phone number in E.164 form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = r"^\+[1-9][0-9]{7,14}$"))]
    pub phone: Option<String>,
    /// ARN of the SNS platform endpoint of the customer's device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 256), regex(pattern = PUSH_ENDPOINT))]
    pub push_endpoint: Option<String>,
}

/// The delivery address. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    /// House and street.
    #[schemars(length(min = 1, max = 200))]
    pub line1: String,
    /// Flat, floor, company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 200))]
    pub line2: Option<String>,
    /// Town or city.
    #[schemars(length(min = 1, max = 100))]
    pub city: String,
    /// Postcode.
    #[schemars(length(min = 1, max = 16))]
    pub postcode: String,
    /// ISO 3166-1 alpha-2 country.
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub country: String,
}

/// One ordered line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    /// The product's SKU.
    pub sku: Sku,
    /// The number of units.
    #[schemars(range(min = 1, max = 999))]
    pub quantity: u32,
}

/// The payment method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Payment {
    /// The gateway's token of the payment method.
    pub method: PaymentMethodToken,
    /// The gateway's id of the customer whom the payment method belongs to. Without it the gateway accepts the method only
    /// once: an authorisation that expires before the dispatch cannot be re-authorised, and the order is cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PaymentCustomerToken")]
    pub customer: Option<PaymentCustomerToken>,
}

/// A way to reach a customer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
    /// Push to a mobile device.
    Push,
}

impl Channel {
    /// The name in documents and sort keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Debug for Customer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Customer(hidden)")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Address(hidden)")
    }
}

/// Why a body is not a valid order.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRequest {
    /// Not JSON, or not the document of an order. The text is the position and the expectation, without the values.
    #[error("the body is not an order document (line {line}, column {column}, {category})")]
    Malformed {
        /// Line of the body, from 1.
        line: usize,
        /// Column of the body, from 1.
        column: usize,
        /// What is wrong: syntax, data or an early end.
        category: &'static str,
    },
    /// A document that the API's model would have refused.
    #[error("the order document breaks a rule of the API's model: {0}")]
    BreaksModel(&'static str),
}

impl PlaceOrder {
    /// Reads a request body.
    ///
    /// The API has checked the body against [`json_schema`]. A body that reaches the queue by another way is checked here
    /// for the rules that the pipeline relies on: the ids, the currency, the number of lines and their quantities.
    ///
    /// # Errors
    /// When the body is not JSON, or not such a document. The error never repeats personal data.
    pub fn from_json(body: &str) -> Result<Self, InvalidRequest> {
        let request: Self = serde_json::from_str(body).map_err(|error| InvalidRequest::Malformed {
            line: error.line(),
            column: error.column(),
            category: match error.classify() {
                serde_json::error::Category::Data => "a field is missing, unknown or has another form",
                serde_json::error::Category::Eof => "it ends too early",
                serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON",
            },
        })?;
        match () {
            () if request.items.is_empty() || request.items.len() > MAX_LINES => {
                Err(InvalidRequest::BreaksModel("items: 1 to 40 lines"))
            }
            () if request.items.iter().any(|item| !(1..=999).contains(&item.quantity)) => {
                Err(InvalidRequest::BreaksModel("items: a quantity is 1 to 999"))
            }
            () => Ok(request),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) const BODY: &str = r#"{"orderId":"ord-1","customerId":"cus-1",
        "customer":{"name":"Ada","email":"ada@example.com","phone":"+447700900001"},"notify":["SMS"],
        "items":[{"sku":"TEA","quantity":2}],
        "shippingAddress":{"line1":"1 High Street","city":"Leeds","postcode":"LS1 1AA","country":"GB"},
        "currency":"GBP","payment":{"method":"pm_card_visa"},"expectedTotal":1998}"#;

    #[test]
    fn a_document_comes_back_as_it_was() {
        let request = PlaceOrder::from_json(BODY).unwrap();
        let again = PlaceOrder::from_json(&serde_json::to_string(&request).unwrap()).unwrap();
        assert_eq!(request, again);
    }

    #[test]
    fn what_the_model_refuses_is_refused_in_code_too_without_naming_personal_data() {
        for (from, to) in [
            ("\"quantity\":2", "\"quantity\":0"),
            ("\"quantity\":2", "\"quantity\":-1"),
            ("\"orderId\":\"ord-1\"", "\"orderId\":\"1\""),
            ("\"currency\":\"GBP\"", "\"currency\":\"pounds\""),
            ("[{\"sku\":\"TEA\",\"quantity\":2}]", "[]"),
            ("\"name\":\"Ada\"", "\"name\":\"Ada\",\"card\":\"4242424242424242\""),
            ("}", ""),
        ] {
            let error = PlaceOrder::from_json(&BODY.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(!error.contains("Ada") && !error.contains("4242"), "{error}");
        }
    }

    #[test]
    fn debug_hides_personal_data() {
        let shown = format!("{:?}", PlaceOrder::from_json(BODY).unwrap());
        assert!(!shown.contains("Ada") && !shown.contains("High Street") && !shown.contains("7700"), "{shown}");
    }
}
