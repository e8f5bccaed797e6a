//! Points in time, to the millisecond.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC, to the millisecond. Its text (`2026-11-27T08:00:00.000Z`) sorts as time does, so that it serves as a
/// sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// A text or number that is not a time.
#[derive(Debug, thiserror::Error)]
#[error("not a time: {0}")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// The moment that many milliseconds after 1970.
    ///
    /// # Errors
    /// When it lies beyond the calendar (year 9999).
    pub fn from_unix_milliseconds(milliseconds: i64) -> Result<Self, InvalidTimestamp> {
        jiff::Timestamp::from_millisecond(milliseconds)
            .map(Self)
            .map_err(|_| InvalidTimestamp(format!("{milliseconds} ms after 1970")))
    }

    /// The moment that many seconds after 1970.
    ///
    /// # Errors
    /// When it lies beyond the calendar (year 9999).
    pub fn from_unix_seconds(seconds: i64) -> Result<Self, InvalidTimestamp> {
        Self::from_unix_milliseconds(seconds.saturating_mul(1000))
    }

    /// The system clock's time. Only adapters call it: everything else is given the time.
    #[must_use]
    pub fn now() -> Self {
        let now = jiff::Timestamp::now();
        Self(jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now))
    }

    /// Milliseconds after 1970.
    #[must_use]
    pub fn unix_milliseconds(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The moment that much later, or the calendar's end.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        Self(
            jiff::Timestamp::from_millisecond(self.unix_milliseconds().saturating_add(wait))
                .unwrap_or(jiff::Timestamp::MAX),
        )
    }

    /// How long after `earlier` this is; zero when it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.unix_milliseconds() - earlier.unix_milliseconds()).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let time: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp(text.to_owned()))?;
        Self::from_unix_milliseconds(time.as_millisecond())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "pattern": "^[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_its_width_and_sorts_as_time_does() {
        let whole = Timestamp::from_unix_milliseconds(1_764_000_000_000).unwrap();
        let later = whole.after(Duration::from_millis(7));
        assert_eq!(whole.to_string().len(), later.to_string().len());
        assert!(whole.to_string() < later.to_string());
        assert_eq!(later.to_string().parse::<Timestamp>().unwrap(), later);
        assert_eq!(later.since(whole), Duration::from_millis(7));
        assert_eq!(whole.since(later), Duration::ZERO);
    }
}
