//! `docs/`: pages about the pipeline that are read from what is written and run, so that they are never behind it.

mod document;
pub mod events;
mod explore;
pub mod openapi;
pub mod permissions;
pub mod stages;
pub mod states;

use std::path::Path;

use crate::RenderedFile;
use crate::readme::MARKER;
use crate::terraform::Module;

/// The folder of the pages, from the repository's root. Pages written by hand may lie beside them.
pub const FOLDER: &str = "docs";

/// A page cannot be made: what it is read from is not what the generator's own code makes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{FOLDER}/{page} cannot be made: {why}")]
pub struct PageError {
    page: &'static str,
    why: String,
}

/// Every page.
///
/// # Errors
///
/// The first page that cannot be made.
pub fn files(modules: &[Module]) -> Result<Vec<RenderedFile>, PageError> {
    let failed = |page| move |why| PageError { page, why };
    Ok(vec![
        events::schema(),
        events::file(),
        openapi::file(),
        permissions::file(modules).map_err(failed("permissions.md"))?,
        stages::file(),
        states::file().map_err(failed("states.md"))?,
    ])
}

/// A page that says of itself that it is generated.
fn page(name: &str, title: &str, text: &str) -> RenderedFile {
    RenderedFile {
        path: Path::new(FOLDER).join(name),
        content: format!("<!-- {MARKER} from the generator; do not edit. -->\n\n# {title}\n\n{}\n", text.trim_end()),
    }
}
