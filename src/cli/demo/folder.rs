//! The folder of `demo --dir`: a `.env` and a SQLite file, so that other commands work beside the demo.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{
    cli::error::CliError,
    config::{Config, EnvFile, Environment},
};

/// Distinguishes a demo's `.env` from any other.
const FIRST_LINE: &str = "# Written by `videoask-auth demo --dir`: for that demo, and the commands beside it.\n";
pub(super) const STORE: &str = "sqlite://videoask-auth.db";
/// Which refresh tokens the pretend VideoAsk accepts.
pub(super) const REFRESH_TOKENS: &str = "pretend-videoask.json";

/// The configuration that an earlier demo left there.
pub(super) fn load(dir: &Path) -> Result<Option<Config>, CliError> {
    let file = env_file(dir);
    match fs::read_to_string(&file) {
        Ok(text) if text.starts_with(FIRST_LINE) => config(file).map(Some),
        Ok(_) => Err(CliError::NotADemo(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CliError::demo_folder(dir, file, source)),
    }
}

/// Writes a configuration, and loads it as the other commands do.
pub(super) fn create(dir: &Path, pairs: &[(&str, String)]) -> Result<Config, CliError> {
    let file = env_file(dir);
    write(dir, &file, pairs).map_err(|source| CliError::demo_folder(dir, file.clone(), source))?;
    config(file)
}

fn write(dir: &Path, file: &Path, pairs: &[(&str, String)]) -> io::Result<()> {
    let set = pairs.iter().filter(|(_, value)| !value.is_empty());
    let lines: Vec<String> = set.map(|(name, value)| format!("{name}={value}\n")).collect();
    fs::create_dir_all(dir)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all([FIRST_LINE, &lines.concat()].concat().as_bytes())
}

fn config(file: PathBuf) -> Result<Config, CliError> {
    let environment: Environment = [("", ""); 0].into_iter().collect();
    Ok(Config::load(&environment, &EnvFile::Named(file))?.config)
}

fn env_file(dir: &Path) -> PathBuf {
    dir.join(".env")
}
