//! `docs/`: pages about the pipeline, generated from the code and the modules, so that they are always current.

mod document;
pub mod events;
mod explore;
pub mod openapi;
mod page;
pub mod permissions;
pub mod stages;
pub mod states;

pub use page::FOLDER;

use crate::RenderedFile;
use crate::terraform::Module;

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
