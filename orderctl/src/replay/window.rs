//! Time ranges, and how a person writes a time.

use std::time::Duration;

use order_domain::time::Timestamp;

/// A text that is not a valid time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid time; use RFC 3339, e.g. 2026-11-27T08:00:00Z, or an age, e.g. 90s, 30m, 2h or 1d")]
pub struct InvalidTime(String);

/// A window that ends before it begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the time range ends ({until}) before it begins ({since}); check --since and --until")]
pub struct InvalidWindow {
    since: Timestamp,
    until: Timestamp,
}

/// Reads an RFC 3339 time, or an age before `now`.
///
/// # Errors
///
/// When the text is neither.
pub fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, InvalidTime> {
    let invalid = || InvalidTime(text.chars().take(60).collect());
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let unit = text.chars().last().ok_or_else(invalid)?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return Err(invalid()),
    };
    let count: u32 = text.strip_suffix(unit).and_then(|count| count.parse().ok()).ok_or_else(invalid)?;
    let ago = i64::from(count).saturating_mul(seconds).saturating_mul(1000);
    Timestamp::from_unix_milliseconds(now.unix_milliseconds().saturating_sub(ago)).map_err(|_| invalid())
}

/// A time range, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    since: Timestamp,
    until: Timestamp,
}

impl Window {
    /// From `since` to `until`.
    ///
    /// # Errors
    ///
    /// When `until` comes before `since`.
    pub fn new(since: Timestamp, until: Timestamp) -> Result<Self, InvalidWindow> {
        if since <= until { Ok(Self { since, until }) } else { Err(InvalidWindow { since, until }) }
    }

    /// Its start.
    #[must_use]
    pub fn since(self) -> Timestamp {
        self.since
    }

    /// Its end.
    #[must_use]
    pub fn until(self) -> Timestamp {
        self.until
    }

    /// The window, extended by `by` on each side.
    #[must_use]
    pub fn widened(self, by: Duration) -> Self {
        Self { since: before(self.since, by), until: self.until.after(by) }
    }

    fn contains(self, moment: Timestamp) -> bool {
        (self.since..=self.until).contains(&moment)
    }
}

/// The time `by` before `moment`, not before 1970.
fn before(moment: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_milliseconds(moment.unix_milliseconds().saturating_sub(by).max(0)).unwrap_or(moment)
}

/// Sorted windows that do not overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows(Vec<Window>);

impl Windows {
    /// Merges overlapping windows; `None` if there are none.
    #[must_use]
    pub fn new(mut windows: Vec<Window>) -> Option<Self> {
        windows.sort();
        let mut merged: Vec<Window> = Vec::with_capacity(windows.len());
        for window in windows {
            match merged.last_mut() {
                Some(last) if window.since <= last.until => last.until = last.until.max(window.until),
                _ => merged.push(window),
            }
        }
        (!merged.is_empty()).then_some(Self(merged))
    }

    /// The windows.
    #[must_use]
    pub fn as_slice(&self) -> &[Window] {
        &self.0
    }

    /// From the start of the first window to the end of the last.
    #[must_use]
    pub fn hull(&self) -> Option<Window> {
        Some(Window { since: self.0.first()?.since, until: self.0.last()?.until })
    }

    /// Whether a window contains this time.
    #[must_use]
    pub fn contain(&self, moment: Timestamp) -> bool {
        self.0.iter().any(|window| window.contains(moment))
    }
}

impl From<Window> for Windows {
    fn from(window: Window) -> Self {
        Self(vec![window])
    }
}

impl std::fmt::Display for Windows {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, window) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(formatter, "{separator}{} to {}", window.since, window.until)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_764_000_000 + seconds).unwrap()
    }

    fn window(since: i64, until: i64) -> Window {
        Window::new(at(since), at(until)).unwrap()
    }

    #[test]
    fn a_time_is_rfc_3339_or_an_age() {
        let now = at(0);
        assert_eq!(parse_time("2h", now), Ok(at(-7200)));
        assert_eq!(parse_time("90s", now), Ok(at(-90)));
        assert_eq!(parse_time("1d", now), Ok(at(-86_400)));
        assert_eq!(parse_time(&now.to_string(), at(99)), Ok(now));
        assert_eq!(parse_time("2025-11-24T16:00:00Z", now), Ok(now));
    }

    #[test]
    fn an_invalid_time_is_refused_with_examples() {
        for text in ["", "h", "-2h", "2w", "yesterday", "2026-11-27", "2026-11-27T08:00:00", "2é", "99999999999d"] {
            let error = parse_time(text, at(0)).unwrap_err().to_string();
            assert!(error.contains("2026-11-27T08:00:00Z"), "{text}: {error}");
        }
    }

    #[test]
    fn windows_that_overlap_become_one() {
        let windows = Windows::new(vec![window(50, 60), window(0, 10), window(10, 20), window(15, 18)]).unwrap();
        assert_eq!(windows.as_slice(), [window(0, 20), window(50, 60)]);
        assert_eq!(windows.hull(), Some(window(0, 60)));
        assert!(windows.contain(at(20)) && windows.contain(at(50)) && !windows.contain(at(30)));
        assert_eq!(Windows::new(Vec::new()), None);
    }

    #[test]
    fn a_window_is_widened_on_both_sides_and_never_ends_before_it_begins() {
        assert_eq!(window(0, 10).widened(Duration::from_secs(60)), window(-60, 70));
        assert!(Window::new(at(1), at(0)).is_err());
    }
}
