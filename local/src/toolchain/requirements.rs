//! The pinned Python packages. They are part of the program, so that the program and its pins cannot differ.

use sha2::{Digest, Sha256};

use super::ToolchainError;

/// A requirements file with exact versions and hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirements {
    /// The file's name in `local/`.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
}

impl Requirements {
    /// The AWS emulator.
    pub const EMULATOR: Self = Self { file: "requirements.txt", text: include_str!("../../requirements.txt") };
    /// Terraform as a Python package.
    pub const TERRAFORM: Self =
        Self { file: "requirements-terraform.txt", text: include_str!("../../requirements-terraform.txt") };

    /// A fingerprint of the text: a changed text causes a new installation.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        Sha256::digest(self.text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The pins, as (package, version).
    ///
    /// # Errors
    ///
    /// When a package has no exact version or no hash.
    pub fn pins(&self) -> Result<Vec<(String, String)>, ToolchainError> {
        let mut pins = Vec::new();
        let mut lines = self.text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')).peekable();
        while let Some((number, line)) = lines.next() {
            if line.trim().is_empty() {
                continue;
            }
            let wrong = |problem: &str| ToolchainError::Requirements {
                file: self.file,
                line: number + 1,
                problem: format!("{problem}: `{line}`"),
            };
            let Some((package, version)) = line.trim_end_matches('\\').trim().split_once("==") else {
                return Err(wrong("expected `package==version \\`"));
            };
            let mut hashes = 0;
            while lines.next_if(|(_, line)| line.trim_start().starts_with("--hash=sha256:")).is_some() {
                hashes += 1;
            }
            if hashes == 0 {
                return Err(wrong("expected at least one `--hash=sha256:` line after"));
            }
            pins.push((package.to_owned(), version.to_owned()));
        }
        Ok(pins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emulator_is_pinned_to_the_tested_version() {
        let pins = Requirements::EMULATOR.pins().unwrap();
        assert!(pins.contains(&("ministack".into(), "1.5.33".into())), "{pins:?}");
        assert_eq!(Requirements::TERRAFORM.pins().unwrap().len(), 1);
    }

    #[test]
    fn a_package_without_a_hash_is_refused_with_its_file_and_line() {
        let requirements = Requirements { file: "requirements.txt", text: "# pins\none==1.0\n" };
        let error = requirements.pins().unwrap_err().to_string();
        assert!(error.starts_with("local/requirements.txt, line 2: "), "{error}");
    }

    #[test]
    fn a_package_without_an_exact_version_is_refused() {
        let requirements = Requirements { file: "requirements.txt", text: "one>=1.0 \\\n    --hash=sha256:00\n" };
        assert!(requirements.pins().is_err());
    }
}
