//! The source of Terraform's AWS provider: a mirror on this machine if there is one, else the public registry with a cache
//! under `target/`. The driver always writes its own CLI configuration: the user's may name other sources, and
//! `TF_CLI_CONFIG_FILE` may name a missing file.

use std::path::{Path, PathBuf};

use deployed::workspace::Workspace;

/// The AWS provider's place below a mirror's root.
const AWS_PROVIDER: &str = "registry.terraform.io/hashicorp/aws";

/// Maximum depth of a mirror below a searched directory.
const DEPTH: usize = 3;

/// The source of the AWS provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderSource {
    /// A filesystem mirror.
    Mirror {
        /// The mirror's root, which contains `registry.terraform.io`.
        root: PathBuf,
    },
    /// The public registry.
    Registry {
        /// The directory for downloads.
        cache: PathBuf,
    },
}

impl ProviderSource {
    /// Searches for a mirror in the usual places.
    #[must_use]
    pub fn find(workspace: &Workspace) -> Self {
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".terraform.d"));
        let places = home.into_iter().chain(["/usr/local/share", "/usr/share", "/opt"].map(PathBuf::from));
        let platform = platform();
        let mirror = places.into_iter().find_map(|place| mirror_below(&place, &platform, DEPTH));
        match mirror {
            Some(root) => Self::Mirror { root },
            None => Self::Registry { cache: workspace.toolchain().join("terraform-providers") },
        }
    }

    /// The source, as a text for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Mirror { root } => format!("the mirror {}", root.display()),
            Self::Registry { .. } => "registry.terraform.io".into(),
        }
    }

    /// The Terraform CLI configuration that makes Terraform use it.
    #[must_use]
    pub fn cli_configuration(&self) -> String {
        let quoted = |path: &Path| serde_json::Value::from(path.display().to_string()).to_string();
        match self {
            Self::Mirror { root } => format!(
                "disable_checkpoint = true\n\nprovider_installation {{\n  filesystem_mirror {{\n    path    = {path}\n    \
                 include = [\"{AWS_PROVIDER}\"]\n  }}\n  direct {{\n    exclude = [\"{AWS_PROVIDER}\"]\n  }}\n}}\n",
                path = quoted(root)
            ),
            // The instances have no lock file, and without one Terraform would download the provider for every instance.
            // The version constraint is the pin.
            Self::Registry { cache } => format!(
                "disable_checkpoint = true\nplugin_cache_dir = {}\nplugin_cache_may_break_dependency_lock_file = true\n",
                quoted(cache)
            ),
        }
    }
}

/// Terraform's name for this platform, e.g. `linux_amd64`.
fn platform() -> String {
    let system = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}_{architecture}")
}

/// The root of a mirror with the AWS provider for `platform`, in or below `directory`.
fn mirror_below(directory: &Path, platform: &str, depth: usize) -> Option<PathBuf> {
    let versions = std::fs::read_dir(directory.join(AWS_PROVIDER)).into_iter().flatten().flatten();
    if versions.into_iter().any(|version| version.path().join(platform).is_dir()) {
        return Some(directory.to_owned());
    }
    if depth == 0 {
        return None;
    }
    let mut below: Vec<PathBuf> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    below.sort();
    below.iter().find_map(|directory| mirror_below(directory, platform, depth - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_found_several_levels_down() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("share/plugins");
        std::fs::create_dir_all(root.join(AWS_PROVIDER).join("5.100.0/linux_amd64")).unwrap();
        assert_eq!(mirror_below(place.path(), "linux_amd64", DEPTH), Some(root));
    }

    #[test]
    fn a_mirror_for_another_platform_is_not_taken() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join(AWS_PROVIDER).join("5.100.0/linux_amd64")).unwrap();
        assert_eq!(mirror_below(place.path(), "darwin_arm64", DEPTH), None);
    }

    #[test]
    fn without_a_mirror_downloads_are_cached() {
        let text = ProviderSource::Registry { cache: "/c".into() }.cli_configuration();
        assert!(text.contains("plugin_cache_dir = \"/c\""), "{text}");
    }

    #[test]
    fn the_configuration_names_the_mirror_for_the_aws_provider_only() {
        let text = ProviderSource::Mirror { root: "/m".into() }.cli_configuration();
        assert!(text.contains("path    = \"/m\""), "{text}");
        assert!(text.contains("exclude = [\"registry.terraform.io/hashicorp/aws\"]"), "{text}");
    }
}
