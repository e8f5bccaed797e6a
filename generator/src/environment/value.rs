//! How one setting is read from a TOML value: each type says what it accepts and why it refuses the rest.

use toml::de::DeValue;

/// Why a value is not allowed, as a clause that follows "`key` is value: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    why: String,
}

impl Refused {
    pub(super) fn because(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

/// What stands in the way of a TOML value becoming a setting.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The value has another type than the setting.
    Type,
    /// The type is right and the value is not.
    Value(Refused),
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::Value(refused)
    }
}

/// A type that a setting can have.
pub(super) trait Setting: Sized {
    /// Everything that a person may write here, in one line.
    fn allowed() -> String;

    /// Reads the setting.
    fn read(value: &DeValue<'_>) -> Result<Self, Refusal>;
}

impl Setting for bool {
    fn allowed() -> String {
        "true or false".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        value.as_bool().ok_or(Refusal::Type)
    }
}

/// The text of a string, or the refusal of any other type.
pub(super) fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Refusal> {
    value.as_str().ok_or(Refusal::Type)
}

/// A whole number; one that is too large for the type is refused as a value, not as a type.
pub(super) fn whole_number(value: &DeValue<'_>) -> Result<i64, Refusal> {
    let number = value.as_integer().ok_or(Refusal::Type)?;
    i64::from_str_radix(number.as_str(), number.radix())
        .map_err(|_| Refused::because("the number is out of range").into())
}

/// The longest value that an error message quotes in full, in characters.
const QUOTED: usize = 60;

/// The value as an error message shows it: one line, bounded, with nothing that could move a terminal's cursor.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => {
            let quoted = format!("{:?}", text.chars().take(QUOTED).collect::<String>());
            match text.chars().count() {
                0..=QUOTED => quoted,
                length => format!("{quoted}... ({length} characters)"),
            }
        }
        DeValue::Integer(number) => number.to_string().chars().take(QUOTED).collect(),
        DeValue::Float(number) => number.to_string().chars().take(QUOTED).collect(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(array) => format!("an array of {}", array.len()),
        DeValue::Table(table) => format!("a table of {}", table.len()),
    }
}

/// The value's type with its article.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
