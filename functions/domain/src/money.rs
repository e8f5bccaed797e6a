//! Money: integer minor units of one currency, never a float.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An ISO 4217 currency code: three capital letters.
///
/// The catalogue decides which currencies can be used: a product has a price in each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// A text that is not a currency code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters (ISO 4217), such as GBP")]
pub struct InvalidCurrency;

impl Currency {
    /// Pounds sterling.
    pub const GBP: Self = Self(*b"GBP");

    /// Checks a code.
    ///
    /// # Errors
    /// When it is not three capital letters.
    pub fn new(code: &str) -> Result<Self, InvalidCurrency> {
        match *code.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(InvalidCurrency),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;
    fn try_from(code: String) -> Result<Self, InvalidCurrency> {
        Self::new(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(formatter, "{}", char::from(*letter)))
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$" })
    }
}

/// An amount in a currency's minor units (pence, cents).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Money {
    /// Minor units.
    pub amount: u64,
    /// The currency.
    pub currency: Currency,
}

/// Why a sum of money cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies in one sum.
    #[error("{0} and {1} cannot be added")]
    Mixed(Currency, Currency),
    /// Above what the gateway charges at once: 99,999,999 minor units (docs.stripe.com/api/payment_intents).
    #[error("the amount exceeds {} minor units", Money::MAX_AMOUNT)]
    TooLarge,
}

impl Money {
    /// Largest amount of one charge, in minor units (docs.stripe.com/api/payment_intents/object, `amount`).
    pub const MAX_AMOUNT: u64 = 99_999_999;

    /// An amount of minor units.
    #[must_use]
    pub const fn new(amount: u64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The sum.
    ///
    /// # Errors
    /// When the currencies differ or the sum is larger than [`Self::MAX_AMOUNT`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        self.bounded(self.amount.checked_add(other.amount))
    }

    /// The price of a quantity.
    ///
    /// # Errors
    /// When the product is larger than [`Self::MAX_AMOUNT`].
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        self.bounded(self.amount.checked_mul(quantity.into()))
    }

    fn bounded(self, amount: Option<u64>) -> Result<Self, MoneyError> {
        match amount {
            Some(amount) if amount <= Self::MAX_AMOUNT => Ok(Self { amount, ..self }),
            _ => Err(MoneyError::TooLarge),
        }
    }
}

/// For people: `GBP 19.99`. The catalogue has only currencies with two decimals.
impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}.{:02}", self.currency, self.amount / 100, self.amount % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!(Currency::new("GBP"), Ok(Currency::GBP));
        for wrong in ["", "gbp", "GB", "GBPP", "G1P", "£££"] {
            assert!(Currency::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sums_refuse_other_currencies_and_overflow() {
        let pound = Money::new(100, Currency::GBP);
        assert_eq!(pound.plus(pound).unwrap().to_string(), "GBP 2.00");
        assert!(pound.plus(Money::new(1, Currency::new("EUR").unwrap())).is_err());
        assert_eq!(pound.times(u32::MAX), Err(MoneyError::TooLarge));
        assert_eq!(Money::new(u64::MAX, Currency::GBP).plus(pound), Err(MoneyError::TooLarge));
    }
}
