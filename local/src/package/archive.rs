//! Writes the zip. The same executable gives the same bytes, so that an unchanged function is not deployed again.

use std::io::Write;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{Package, PackageError};

/// Fast rather than small: the package is rebuilt after every change of a function.
const COMPRESSION_LEVEL: i64 = 3;

/// Writes `executable` as `bootstrap` into the zip at `zip`, through a rename, so that nobody reads an incomplete file.
///
/// # Errors
///
/// When the executable cannot be read or the zip cannot be written.
pub fn write_archive(executable: &Path, zip: &Path) -> Result<Package, PackageError> {
    let unreadable = |source| PackageError::Read { path: executable.to_owned(), source };
    let unwritable = |source| PackageError::Write { path: zip.to_owned(), source };
    let binary = std::fs::read(executable).map_err(unreadable)?;
    let directory = zip.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(unwritable)?;
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(unwritable)?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(COMPRESSION_LEVEL))
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o755);
    let mut writer = ZipWriter::new(file.as_file_mut());
    writer.start_file("bootstrap", options).map_err(|error| unwritable(error.into()))?;
    writer.write_all(&binary).map_err(unwritable)?;
    writer.finish().map_err(|error| unwritable(error.into()))?;
    let persisted = file.persist(zip).map_err(|error| unwritable(error.error))?;
    let zip_bytes = persisted.metadata().map_err(unwritable)?.len();
    Ok(Package { zip: zip.to_owned(), binary_bytes: binary.len() as u64, zip_bytes })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use super::*;

    #[test]
    fn the_same_executable_gives_the_same_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let executable = directory.path().join("bootstrap");
        std::fs::write(&executable, b"binary".repeat(1000)).unwrap();
        let (one, two) = (directory.path().join("one.zip"), directory.path().join("a/two.zip"));
        write_archive(&executable, &one).unwrap();
        // Another modification time of the executable must not matter.
        File::options().write(true).open(&executable).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        let package = write_archive(&executable, &two).unwrap();
        let bytes = std::fs::read(&two).unwrap();
        assert_eq!(std::fs::read(&one).unwrap(), bytes);
        assert_eq!((package.binary_bytes, package.zip_bytes), (6000, bytes.len() as u64));
    }

    #[test]
    fn the_zip_holds_one_executable_file_called_bootstrap() {
        let directory = tempfile::tempdir().unwrap();
        let executable = directory.path().join("anything");
        std::fs::write(&executable, b"binary").unwrap();
        let zip = directory.path().join("bootstrap.zip");
        write_archive(&executable, &zip).unwrap();
        let mut archive = zip::ZipArchive::new(File::open(&zip).unwrap()).unwrap();
        assert_eq!(archive.len(), 1);
        let mut entry = archive.by_name("bootstrap").unwrap();
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"binary");
    }
}
