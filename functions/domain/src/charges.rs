//! What an order costs beside its goods: delivery, and the tax that the prices include. Simple rules, from the catalogue.

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};

/// The rate of value added tax that a product's price includes (gov.uk/vat-rates).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, strum::VariantArray)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VatRate {
    /// 20 %: most goods, and delivery.
    #[default]
    Standard,
    /// 5 %.
    Reduced,
    /// 0 %: most food, books, children's clothes.
    Zero,
}

impl VatRate {
    /// Every rate.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// In percent.
    #[must_use]
    pub const fn percent(self) -> u64 {
        match self {
            Self::Standard => 20,
            Self::Reduced => 5,
            Self::Zero => 0,
        }
    }

    /// The tax that a price includes, in minor units, rounded to the nearest (half up).
    #[must_use]
    pub const fn included_in(self, price: Money) -> u64 {
        let percent = self.percent();
        (price.amount * percent * 2 + 100 + percent) / ((100 + percent) * 2)
    }
}

/// What delivery costs in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryCharge {
    /// The currency.
    pub currency: Currency,
    /// For an order, in minor units.
    pub charge: u64,
    /// From this price of the goods on it is free, in minor units; never where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_from: Option<u64>,
}

impl DeliveryCharge {
    /// Free delivery, where the catalogue has no rule for a currency.
    #[must_use]
    pub const fn free(currency: Currency) -> Self {
        Self { currency, charge: 0, free_from: None }
    }

    /// For goods of that price.
    #[must_use]
    pub fn of(self, goods: Money) -> Money {
        let free = self.free_from.is_some_and(|from| goods.amount >= from);
        Money::new(if free { 0 } else { self.charge }, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_includes_its_tax_to_the_nearest_penny() {
        let tax = |rate: VatRate, pence| rate.included_in(Money::new(pence, Currency::GBP));
        assert_eq!([1200, 999, 1, 3, 0].map(|pence| tax(VatRate::Standard, pence)), [200, 167, 0, 1, 0]);
        assert_eq!((tax(VatRate::Reduced, 1050), tax(VatRate::Zero, 1050)), (50, 0));
        assert!(tax(VatRate::Standard, Money::MAX_AMOUNT) < Money::MAX_AMOUNT);
    }

    #[test]
    fn delivery_is_free_from_its_threshold_on() {
        let rule = DeliveryCharge { currency: Currency::GBP, charge: 399, free_from: Some(5000) };
        let of = |pence| rule.of(Money::new(pence, Currency::GBP)).amount;
        assert_eq!([1, 4999, 5000].map(of), [399, 399, 0]);
    }
}
