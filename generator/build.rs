//! Generates the bindings of the provider's types from its schema, see `build/bindings.rs`.

#[path = "build/bindings.rs"]
mod bindings;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let output = PathBuf::from(env::var("OUT_DIR")?);
    generate("schema/aws-5.100.json", &output.join("aws.rs"))?;
    // Names that clash with Rust or with the bindings' own: that they compile is a test of its own.
    generate("schema/hostile-names.json", &output.join("hostile_names.rs"))?;
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

fn generate(schema: &str, output: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={schema}");
    let text = fs::read_to_string(schema).map_err(|error| format!("{schema} cannot be read: {error}"))?;
    let schema_document = serde_json::from_str(&text).map_err(|error| format!("{schema} is not JSON: {error}"))?;
    let tokens = bindings::generate(&schema_document).map_err(|error| format!("{schema}: {error}"))?;
    let file = syn::parse2(tokens).map_err(|error| format!("{schema}: the bindings do not parse: {error}"))?;
    fs::write(output, prettyplease::unparse(&file))
        .map_err(|error| format!("{} cannot be written: {error}", output.display()))?;
    Ok(())
}
