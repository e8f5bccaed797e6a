//! Every generated file there is: what the library makes of the pipeline and of each environment, and the READMEs.

use std::path::Path;

use generator::environment::Environment;
use generator::readme::{self, Readmes};
use generator::{RenderedFile, compose, crates, docs, modules};

use super::error::Error;
use super::tree::Files;

/// What stands at the top of a generated file; a file without it is never removed.
pub const MARKER: &str = readme::MARKER;

/// Every generated file, and of how much it is made.
#[derive(Debug)]
pub struct Generated {
    /// The files.
    pub files: Files,
    /// How many modules there are.
    pub modules: usize,
    /// How many environments there are.
    pub environments: usize,
}

/// Renders everything in memory. The picture of the crates is read below `root`.
pub fn everything(root: &Path, environments: &[Environment]) -> Result<Generated, Error> {
    let modules = modules::all();
    let readmes = Readmes::new()?;
    let mut files = Files::new();
    let mut add = |file: RenderedFile| files.insert(file.path, file.content);
    for module in &modules {
        module.files()?.into_iter().for_each(|file| drop(add(file)));
        add(readmes.module(module)?);
    }
    docs::files(&modules)?.into_iter().for_each(|file| drop(add(file)));
    crates::file(root)?.into_iter().for_each(|file| drop(add(file)));
    for environment in environments {
        let root = compose::root(environment);
        root.files()?.into_iter().for_each(|file| drop(add(file)));
        add(readmes.environment(environment, &root, &modules)?);
    }
    Ok(Generated { files, modules: modules.len(), environments: environments.len() })
}
