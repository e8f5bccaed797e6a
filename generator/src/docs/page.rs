//! A generated page of the folder.

use std::path::Path;

use crate::RenderedFile;
use crate::readme::MARKER;

/// The folder of the pages, from the repository's root. Pages written by hand may lie beside them.
pub const FOLDER: &str = "docs";

/// A page that says of itself that it is generated.
pub(super) fn page(name: &str, title: &str, text: &str) -> RenderedFile {
    RenderedFile {
        path: Path::new(FOLDER).join(name),
        content: format!("<!-- {MARKER} from the generator; do not edit. -->\n\n# {title}\n\n{}\n", text.trim_end()),
    }
}
