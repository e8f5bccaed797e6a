//! The picture of the workspace's crates in `ARCHITECTURE.md`, read from their manifests: what each is, what it may know,
//! and which crates it may depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

use crate::RenderedFile;

/// The page that holds the picture; people write everything outside the markers.
pub const PAGE: &str = "ARCHITECTURE.md";
const BEGIN: &str = "<!-- crates: begin (`cargo run` writes this part) -->";
const END: &str = "<!-- crates: end -->";

/// Why the picture cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum CratesError {
    /// A file that cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A manifest that is not valid TOML, or has no `[package.metadata.architecture]`.
    #[error("{} is not a valid manifest", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The line and the problem.
        #[source]
        source: toml::de::Error,
    },
    /// A dependency that the crate's own metadata does not allow.
    #[error("{folder}/Cargo.toml: `{package}` must not depend on `{on}`; its `may-depend-on` does not list that crate")]
    NotAllowed {
        /// The crate's folder.
        folder: String,
        /// The crate.
        package: String,
        /// The crate that it depends on.
        on: String,
    },
    /// `may-depend-on` names a crate that is not in the workspace.
    #[error("{folder}/Cargo.toml: `may-depend-on` lists `{on}`, which is not a crate of the workspace")]
    Unknown {
        /// The crate's folder.
        folder: String,
        /// The name that no crate has.
        on: String,
    },
    /// The page has no place for the picture.
    #[error("{PAGE} needs the lines `{BEGIN}` and `{END}`, in this order")]
    NoMarkers,
}

#[derive(Deserialize)]
struct Root {
    workspace: Option<Members>,
}

#[derive(Deserialize)]
struct Members {
    members: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Manifest {
    package: Package,
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
    #[serde(default)]
    dev_dependencies: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    description: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    architecture: Architecture,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Architecture {
    may_know: String,
    may_depend_on: BTreeSet<String>,
}

/// One crate, with its dependencies on other crates of the workspace.
struct Crate {
    name: String,
    folder: String,
    description: String,
    may_know: String,
    depends_on: BTreeSet<String>,
    tests_depend_on: BTreeSet<String>,
}

/// The page with the picture as it should be; nothing in a folder that is not a workspace.
///
/// # Errors
///
/// A file that cannot be read, or a dependency that is not allowed.
pub fn file(root: &Path) -> Result<Option<RenderedFile>, CratesError> {
    let manifest = root.join("Cargo.toml");
    if !manifest.is_file() {
        return Ok(None);
    }
    let Some(workspace) = parse::<Root>(&manifest)?.workspace else { return Ok(None) };
    let crates = read(root, workspace.members)?;
    let path = PathBuf::from(PAGE);
    let content = insert(&text(&root.join(&path))?, &section(&crates))?;
    Ok(Some(RenderedFile { path, content }))
}

fn text(path: &Path) -> Result<String, CratesError> {
    fs::read_to_string(path).map_err(|source| CratesError::Unreadable { path: path.to_owned(), source })
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, CratesError> {
    toml::from_str(&text(path)?).map_err(|source| CratesError::Manifest { path: path.to_owned(), source })
}

/// Every crate, each after those that it depends on.
fn read(root: &Path, folders: Vec<String>) -> Result<Vec<Crate>, CratesError> {
    let manifest = |folder: String| Ok((parse::<Manifest>(&root.join(&folder).join("Cargo.toml"))?, folder));
    let manifests = folders.into_iter().map(manifest).collect::<Result<Vec<_>, CratesError>>()?;
    let names: BTreeSet<String> = manifests.iter().map(|(manifest, _)| manifest.package.name.clone()).collect();
    let ours = |dependencies: BTreeMap<String, toml::Value>| -> BTreeSet<String> {
        dependencies.into_keys().filter(|name| names.contains(name)).collect()
    };
    let mut crates = Vec::new();
    for (Manifest { package, dependencies, dev_dependencies }, folder) in manifests {
        let Architecture { may_know, may_depend_on } = package.metadata.architecture;
        let depends_on = ours(dependencies);
        if let Some(on) = may_depend_on.difference(&names).next() {
            return Err(CratesError::Unknown { folder, on: on.clone() });
        }
        if let Some(on) = depends_on.difference(&may_depend_on).next() {
            return Err(CratesError::NotAllowed { folder, package: package.name, on: on.clone() });
        }
        let tests_depend_on = ours(dev_dependencies).difference(&depends_on).cloned().collect();
        let Package { name, description, .. } = package;
        crates.push(Crate { name, folder, description, may_know, depends_on, tests_depend_on });
    }
    Ok(in_order(crates))
}

/// Those first that depend on nothing, then by name. Cargo permits no circle.
fn in_order(mut waiting: Vec<Crate>) -> Vec<Crate> {
    waiting.sort_by(|one, other| one.name.cmp(&other.name));
    let mut placed: Vec<Crate> = Vec::new();
    while !waiting.is_empty() {
        let known: BTreeSet<&str> = placed.iter().map(|it| it.name.as_str()).collect();
        let all = |of: &BTreeSet<String>| of.iter().all(|name| known.contains(name.as_str()));
        let is_ready = |it: &Crate| all(&it.depends_on) && (!it.only_tests() || all(&it.tests_depend_on));
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_ready);
        if ready.is_empty() {
            placed.extend(rest);
            break;
        }
        placed.extend(ready);
        waiting = rest;
    }
    placed
}

impl Crate {
    /// Whether the crate is nothing but tests: only then are their dependencies drawn, or they would hide the others.
    fn only_tests(&self) -> bool {
        self.depends_on.is_empty() && self.tests_depend_on.len() > 2
    }

    fn arrows(&self) -> &BTreeSet<String> {
        if self.only_tests() { &self.tests_depend_on } else { &self.depends_on }
    }
}

/// The crates that `from` reaches over others.
fn reached<'c>(from: &'c Crate, crates: &'c [Crate]) -> BTreeSet<&'c str> {
    let by_name = |name: &str| crates.iter().find(|it| it.name == name);
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Crate> = from.arrows().iter().filter_map(|name| by_name(name)).collect();
    while let Some(of) = next.pop() {
        for name in &of.depends_on {
            if reached.insert(name.as_str()) {
                next.extend(by_name(name));
            }
        }
    }
    reached
}

fn section(crates: &[Crate]) -> String {
    let mut text = String::from("```mermaid\nflowchart BT\n");
    for it in crates {
        let _ = writeln!(text, "    {}[{}]", id(&it.name), it.name);
    }
    for it in crates {
        let arrow = if it.only_tests() { "-.->" } else { "-->" };
        let implied = reached(it, crates);
        for on in it.arrows().iter().filter(|on| !implied.contains(on.as_str())) {
            let _ = writeln!(text, "    {} {arrow} {}", id(&it.name), id(on));
        }
    }
    text += "```\n\nAn arrow points to what a crate depends on (dashed: its tests only). An arrow is left out where others lead to the \
             same crate.\nThe words come from each crate's `Cargo.toml`; `cargo run` refuses a dependency that its \
             `may-depend-on` does not list.\n\n| crate | folder | what it is | what it may know |\n| --- | --- | --- | --- |\n";
    for Crate { name, folder, description, may_know, .. } in crates {
        let _ = writeln!(text, "| `{name}` | [`{folder}`]({folder}) | {} | {} |", cell(description), cell(may_know));
    }
    text
}

/// A crate in the graph: a hyphen can be read as a part of an arrow.
fn id(name: &str) -> String {
    name.replace('-', "_")
}

fn cell(text: &str) -> String {
    text.trim_end_matches('.').replace('|', "\\|").replace('\n', " ")
}

/// Puts the section between the markers.
fn insert(page: &str, section: &str) -> Result<String, CratesError> {
    let (before, rest) = page.split_once(BEGIN).ok_or(CratesError::NoMarkers)?;
    let (_, after) = rest.split_once(END).ok_or(CratesError::NoMarkers)?;
    Ok(format!("{before}{BEGIN}\n\n{section}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, content: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Crates `a`, `b` and `c`: `b` uses `a`, `c` uses both; `b` may depend on what is given.
    fn workspace(allowed: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "Cargo.toml", "[workspace]\nmembers = [\"c\", \"b\", \"a\"]\n");
        for (name, allowed, uses) in
            [("a", "", ""), ("b", allowed, "a = 1\nserde = 1"), ("c", "\"a\", \"b\"", "a = 1\nb = 1")]
        {
            let manifest = format!(
                "[package]\nname = \"{name}\"\ndescription = \"The {name}.\"\n[package.metadata.architecture]\n\
                 may-know = \"what {name} knows\"\nmay-depend-on = [{allowed}]\n[dependencies]\n{uses}\n"
            );
            put(root.path(), &format!("{name}/Cargo.toml"), &manifest);
        }
        put(root.path(), PAGE, &format!("# By hand\n\n{BEGIN}\noutdated\n{END}\n\nBy hand too.\n"));
        root
    }

    #[test]
    fn the_picture_replaces_what_stands_between_the_markers_and_nothing_else() {
        let root = workspace("\"a\"");
        let page = file(root.path()).unwrap().unwrap().content;
        assert!(
            page.starts_with("# By hand\n") && page.ends_with("\nBy hand too.\n") && !page.contains("outdated"),
            "{page}"
        );
        assert!(page.contains("| `b` | [`b`](b) | The b | what b knows |"), "{page}");
        assert!(page.contains("b --> a\n    c --> b\n"), "{page}");
        assert!(!page.contains("c --> a"), "an arrow that others imply is drawn: {page}");
    }

    #[test]
    fn a_dependency_that_is_not_allowed_is_refused_by_name() {
        let error = file(workspace("").path()).unwrap_err().to_string();
        assert!(error.contains("`b` must not depend on `a`"), "{error}");
        let error = file(workspace("\"a\", \"gone\"").path()).unwrap_err().to_string();
        assert!(error.contains("lists `gone`"), "{error}");
    }

    #[test]
    fn a_page_without_markers_is_refused_and_a_folder_without_workspace_has_no_picture() {
        let root = workspace("\"a\"");
        put(root.path(), PAGE, "# By hand\n");
        assert!(matches!(file(root.path()), Err(CratesError::NoMarkers)));
        assert!(file(tempfile::tempdir().unwrap().path()).unwrap().is_none());
    }
}
