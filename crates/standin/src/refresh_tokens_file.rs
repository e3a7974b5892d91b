//! The refresh tokens in a file, so that they work after a restart.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use super::refresh_tokens::RefreshTokens;

pub(super) struct RefreshTokensFile(PathBuf);

impl RefreshTokensFile {
    /// Reads the file; a missing one has no tokens. Also writes it, so that a file that cannot be written is an error
    /// here.
    pub(super) fn open(path: PathBuf) -> io::Result<(Self, RefreshTokens)> {
        let tokens = match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json)?,
            Err(error) if error.kind() == ErrorKind::NotFound => RefreshTokens::default(),
            Err(error) => return Err(error),
        };
        let file = Self(path);
        file.write(&tokens)?;
        Ok((file, tokens))
    }

    /// Replaces the file. This happens before the response is sent, so that a spent token stays spent after a restart.
    pub(super) fn save(&self, tokens: &RefreshTokens) {
        if let Err(error) = self.write(tokens) {
            // After a restart, a token that was not saved is refused, and one that was not saved as spent is accepted
            // again. Until then nothing is wrong.
            let _ = writeln!(io::stderr(), "cannot write {}: {error}", self.0.display());
        }
    }

    fn write(&self, tokens: &RefreshTokens) -> io::Result<()> {
        let whole = self.0.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&whole)?;
        file.write_all(&serde_json::to_vec(tokens)?)?;
        fs::rename(whole, &self.0)
    }
}
