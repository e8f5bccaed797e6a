//! Versions of Terraform.

use std::fmt;

/// A version of Terraform: its first three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// The oldest supported Terraform.
    pub const MINIMUM: Self = Self { major: 1, minor: 11, patch: 0 };

    /// Reads `1.11.4` or `1.15.0-dev`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(['.', '-', '+']).map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { major: next()?, minor: next()?, patch: next()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_and_without_a_suffix() {
        assert_eq!(Version::parse("1.11.4"), Some(Version { major: 1, minor: 11, patch: 4 }));
        assert_eq!(Version::parse("1.15.0-dev"), Some(Version { major: 1, minor: 15, patch: 0 }));
        assert_eq!(Version::parse("dev"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(Version::parse("1.9.8") < Some(Version::MINIMUM));
        assert!(Version::parse("1.11.0") >= Some(Version::MINIMUM));
    }
}
