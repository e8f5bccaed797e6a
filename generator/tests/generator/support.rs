//! The committed environments, rendered, and Terraform to check them with.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use generator::environment::{Environment, load_all};
use generator::terraform::{Declared, Module};
use generator::{compose, modules};
use tempfile::TempDir;

const PROVIDER: &str = "registry.terraform.io/hashicorp/aws";

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the generator lies in the repository").to_owned()
}

/// Every file in git, or about to be: its path from the repository's root. Build folders and Terraform's own are left out.
pub fn tracked() -> Vec<PathBuf> {
    fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(root.join(folder)).expect("a folder of the repository can be read").flatten() {
            let path = folder.join(entry.file_name());
            let skipped = ["target", ".git", ".terraform"].iter().any(|name| entry.file_name() == *name);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !skipped => collect(root, &path, files),
                Ok(kind) if kind.is_file() && !skipped => files.push(path),
                _ => {}
            }
        }
    }
    let mut files = Vec::new();
    collect(&repository(), Path::new(""), &mut files);
    files.sort();
    files
}

/// The environments of `envs/*/env.toml`.
pub fn environments() -> Vec<Environment> {
    load_all(&repository()).expect("the committed environments are right")
}

/// Their root modules.
pub fn roots() -> Vec<Module> {
    environments().iter().map(compose::root).collect()
}

/// Every managed resource, with its module's name.
pub fn resources() -> Vec<(String, Declared)> {
    let of = |module: &Module| {
        let name = module.name().to_owned();
        module.resources().into_iter().map(move |resource| (name.clone(), resource))
    };
    modules::all().iter().flat_map(of).filter(|(_, resource)| !resource.is_data).collect()
}

/// Every managed resource of one type, by its name.
pub fn of_type(type_name: &str) -> BTreeMap<String, Declared> {
    resources()
        .into_iter()
        .filter(|(_, resource)| resource.type_name == type_name)
        .map(|(_, it)| (it.name.clone(), it))
        .collect()
}

/// `module.type.name`
pub fn address((module, resource): &(String, Declared)) -> String {
    format!("{module}.{}.{}", resource.type_name, resource.name)
}

/// Writes modules where their paths say, below a folder.
pub fn write(folder: &Path, modules: &[Module]) {
    for file in modules.iter().flat_map(|module| module.files().expect("the module has no mistakes")) {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder can be made");
        fs::write(path, file.content).expect("the file can be written");
    }
}

/// Terraform, with a provider mirror of this machine where there is one, in a folder of its own: nothing is written into
/// the repository.
pub struct Terraform {
    pub folder: TempDir,
    configuration: PathBuf,
}

impl Terraform {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let configuration = folder.path().join("terraform.rc");
        let mut text = "disable_checkpoint = true\n".to_owned();
        if let Some(mirror) = mirror() {
            text += &format!(
                "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n    include = [{PROVIDER:?}]\n  }}\n  \
                 direct {{\n    exclude = [{PROVIDER:?}]\n  }}\n}}\n"
            );
        }
        fs::write(&configuration, text).expect("the configuration can be written");
        Self { folder, configuration }
    }

    /// Runs Terraform and returns what it printed.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = Command::new(program())
            .args(arguments)
            .current_dir(self.folder.path())
            .env("TF_CLI_CONFIG_FILE", &self.configuration)
            .env("TF_IN_AUTOMATION", "1")
            .output()
            .expect("Terraform can be run");
        let (output, errors) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "terraform {arguments:?} ended with {status}:\n{output}\n{errors}");
        output.into_owned()
    }
}

/// `$TERRAFORM`, the one on PATH, or the one that `cargo ops` installs where there is none.
fn program() -> PathBuf {
    let given = std::env::var_os("TERRAFORM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("terraform"));
    let installed = repository().join("target/toolchain/terraform");
    given.into_iter().chain(on_path).chain([installed]).find(|program| program.is_file()).expect(
        "there is no terraform: put one on PATH, name it in $TERRAFORM, or let `cargo ops up` install one under target/",
    )
}

/// The root of a mirror that holds the provider for this platform.
fn mirror() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".terraform.d"));
    let places = ["/usr/share", "/usr/local/share", "/opt"].map(PathBuf::from);
    home.into_iter().chain(places).find_map(|place| mirror_below(&place, 3))
}

fn mirror_below(folder: &Path, depth: usize) -> Option<PathBuf> {
    if folder.join(PROVIDER).is_dir() {
        return Some(folder.to_owned());
    }
    let below = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    if depth == 0 { None } else { below.into_iter().find_map(|folder| mirror_below(&folder, depth - 1)) }
}
