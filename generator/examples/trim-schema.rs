//! Trims the output of `terraform providers schema -json` to the types in `schema/types.txt`:
//! `cargo run -p generator --example trim-schema -- FULL.json generator/schema/aws-5.100.json`.

use std::error::Error;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("two files are needed: the full schema, and where the trimmed one goes".into());
    };
    let full = fs::read_to_string(&from).map_err(|error| format!("{from} cannot be read: {error}"))?;
    let full = serde_json::from_str(&full).map_err(|error| format!("{from} is not JSON: {error}"))?;
    let trimmed = generator::schema::trim(&full, generator::schema::TYPES)?;
    fs::write(&to, format!("{trimmed:#}\n")).map_err(|error| format!("{to} cannot be written: {error}"))?;
    Ok(())
}
