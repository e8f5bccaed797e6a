//! Prices come from the catalogue, never from the client.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::charges::{DeliveryCharge, VatRate};
use crate::id::Sku;
use crate::money::{Currency, Money, MoneyError};
use crate::order::{Line, RejectionReason};
use crate::request::PlaceOrder;

/// A product that can be ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Its stock keeping unit.
    pub sku: Sku,
    /// Name for people.
    pub name: String,
    /// Price of one unit.
    pub unit_price: Money,
    /// Over how many items of the inventory table its stock is spread: one item takes about 500 transactional writes a
    /// second, so a hot SKU needs several.
    pub stock_shards: u16,
    /// The tax that the price includes.
    #[serde(default)]
    pub vat_rate: VatRate,
}

/// What the catalogue says of the products and the currencies that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceList {
    /// The products that exist.
    pub products: BTreeMap<Sku, Product>,
    /// What delivery costs; it is free in a currency without a rule.
    pub delivery: BTreeMap<Currency, DeliveryCharge>,
}

/// What an order costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// The lines, one for each SKU, in the order in which they were first named.
    pub lines: Vec<Line>,
    /// What delivery costs.
    pub delivery: Money,
    /// The lines and the delivery.
    pub total: Money,
    /// The tax that the total includes, in minor units.
    pub vat: u64,
}

/// Prices a request, or says why it cannot be sold.
///
/// Lines with the same SKU become one, since a transaction touches an item once.
///
/// # Errors
/// The business reason for which the order is rejected.
pub fn price(request: &PlaceOrder, prices: &PriceList) -> Result<Priced, RejectionReason> {
    let mut lines: Vec<Line> = Vec::with_capacity(request.items.len());
    for item in &request.items {
        let Some(product) = prices.products.get(&item.sku) else {
            return Err(RejectionReason::UnknownSku { sku: item.sku.clone() });
        };
        if product.unit_price.currency != request.currency {
            return Err(RejectionReason::CurrencyNotSold { currency: request.currency });
        }
        match lines.iter_mut().find(|line| line.sku == item.sku) {
            Some(line) => line.quantity += item.quantity,
            None => lines.push(Line {
                sku: item.sku.clone(),
                name: product.name.clone(),
                quantity: item.quantity,
                unit_price: product.unit_price,
                vat_rate: product.vat_rate,
                stock_shards: product.stock_shards.max(1),
                reserved_from: Vec::new(),
            }),
        }
    }
    let too_large = |_| RejectionReason::TotalTooLarge;
    let goods = total_of(&lines, Money::new(0, request.currency)).map_err(too_large)?;
    let rule = prices.delivery.get(&request.currency).copied().unwrap_or(DeliveryCharge::free(request.currency));
    let delivery = rule.of(goods);
    let total = goods.plus(delivery).map_err(too_large)?;
    let vat = lines.iter().map(Line::vat).sum::<u64>() + VatRate::Standard.included_in(delivery);
    match request.expected_total {
        Some(expected) if expected != total.amount => {
            Err(RejectionReason::PriceMismatch { expected, actual: total.amount })
        }
        _ => Ok(Priced { lines, delivery, total, vat }),
    }
}

fn total_of(lines: &[Line], nothing: Money) -> Result<Money, MoneyError> {
    lines.iter().try_fold(nothing, |sum, line| sum.plus(line.unit_price.times(line.quantity)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> PriceList {
        let tea = Product {
            sku: Sku::new("TEA").unwrap(),
            name: "Tea".into(),
            unit_price: Money::new(999, Currency::GBP),
            stock_shards: 1,
            vat_rate: VatRate::Zero,
        };
        PriceList { products: BTreeMap::from([(tea.sku.clone(), tea)]), delivery: BTreeMap::new() }
    }

    fn request(changes: &[(&str, &str)]) -> PlaceOrder {
        let body = r#"{"orderId":"ord-1","customerId":"cus-1","customer":{"name":"A","email":"a@b.cd"},
            "items":[{"sku":"TEA","quantity":2}],"currency":"GBP","payment":{"method":"pm_a"},
            "shippingAddress":{"line1":"1","city":"L","postcode":"L1","country":"GB"}}"#;
        let body = changes.iter().fold(body.to_owned(), |body, (from, to)| body.replace(from, to));
        PlaceOrder::from_json(&body).unwrap()
    }

    #[test]
    fn the_catalogue_sets_the_price() {
        assert_eq!(price(&request(&[]), &catalogue()).unwrap().total, Money::new(1998, Currency::GBP));
    }

    #[test]
    fn delivery_and_tax_come_from_the_catalogues_rules() {
        let mut prices = catalogue();
        let rule = DeliveryCharge { currency: Currency::GBP, charge: 399, free_from: Some(2000) };
        prices.delivery.insert(Currency::GBP, rule);
        let priced = price(&request(&[]), &prices).unwrap();
        assert_eq!((priced.delivery.amount, priced.total.amount, priced.vat), (399, 2397, 67));
        let three = price(&request(&[("\"quantity\":2", "\"quantity\":3")]), &prices).unwrap();
        assert_eq!((three.delivery.amount, three.total.amount, three.vat), (0, 2997, 0));
    }

    #[test]
    fn lines_of_one_sku_become_one() {
        let twice =
            request(&[(r#"{"sku":"TEA","quantity":2}"#, r#"{"sku":"TEA","quantity":2},{"sku":"TEA","quantity":3}"#)]);
        let priced = price(&twice, &catalogue()).unwrap();
        assert_eq!((priced.lines.len(), priced.lines[0].quantity, priced.total.amount), (1, 5, 4995));
    }

    #[test]
    fn what_cannot_be_sold_says_why() {
        let reason = |changes: &[(&str, &str)]| price(&request(changes), &catalogue()).unwrap_err();
        assert!(matches!(reason(&[("TEA", "NONE")]), RejectionReason::UnknownSku { .. }));
        assert!(matches!(reason(&[("GBP", "EUR")]), RejectionReason::CurrencyNotSold { .. }));
        let claimed = [("\"currency\"", "\"expectedTotal\":1,\"currency\"")];
        assert_eq!(reason(&claimed), RejectionReason::PriceMismatch { expected: 1, actual: 1998 });
        let mut dear = catalogue();
        dear.products.values_mut().for_each(|product| product.unit_price.amount = Money::MAX_AMOUNT);
        assert_eq!(price(&request(&[]), &dear), Err(RejectionReason::TotalTooLarge));
    }
}
