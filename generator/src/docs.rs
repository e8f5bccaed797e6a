//! `docs/`: pages about the pipeline that are read from what is written and run, so that they are never behind it.

mod document;
pub mod permissions;

use std::path::Path;

use crate::RenderedFile;
use crate::readme::MARKER;

/// The folder of the pages, from the repository's root. Pages written by hand may lie beside them.
pub const FOLDER: &str = "docs";

/// A page that says of itself that it is generated.
fn page(name: &str, title: &str, text: &str) -> RenderedFile {
    RenderedFile {
        path: Path::new(FOLDER).join(name),
        content: format!("<!-- {MARKER} from the generator; do not edit. -->\n\n# {title}\n\n{}\n", text.trim_end()),
    }
}
