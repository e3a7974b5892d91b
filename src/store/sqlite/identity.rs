use std::{
    fs::Metadata,
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The file that was opened. A backup that is moved to its path is another file of the same name.
#[derive(Debug)]
pub(super) struct FileIdentity {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// The file that is at this path now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = path.metadata()?;
        Ok(Self { path: path.into(), device: metadata.dev(), inode: metadata.ino() })
    }

    /// Whether another file is at the path now, or none. If the system reports an error, the file counts as the same one,
    /// and SQLite will fail.
    pub(super) fn is_replaced(&self) -> bool {
        match self.path.metadata() {
            Ok(metadata) => !self.is(&metadata),
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    fn is(&self, metadata: &Metadata) -> bool {
        (self.device, self.inode) == (metadata.dev(), metadata.ino())
    }
}
