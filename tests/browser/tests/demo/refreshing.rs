//! The programs of the token page that refresh by themselves, where VideoAsk rotates refresh tokens. Sending one twice
//! ends the login, so a program that keeps working has saved each new one.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use browser::{Browser, Scripts, Setup};
use serde_json::{Value, json};
use thirtyfour::error::WebDriverResult;

use crate::{
    documents::{self, Proof},
    language::{Language, said},
    snippets::{assert_lists_the_forms, root},
};

const ROTATING: Setup = Setup { scripts: Scripts::On, demo: &["--rotate", "on"] };
const PROGRAMS: [(&str, Language); 2] = [("#refreshing-1", Language::Python), ("#refreshing-2", Language::Node)];
/// The exit code of a program that is stopped between writing the new file and renaming it.
const STOPPED: i32 = 9;

/// A program, and beside it the file of tokens that the page offers for download.
struct Program {
    folder: tempfile::TempDir,
    language: Language,
    text: String,
}

impl Program {
    async fn of_page(browser: &Browser, css: &str, language: Language) -> WebDriverResult<Self> {
        let folder = tempfile::tempdir()?;
        browser.log_in().await?;
        browser.download("Download JSON", folder.path(), "videoask.json").await?;
        let text = browser.hidden_text(css).await?;
        // The next program starts with a login of its own.
        browser.click("Log out").await?;
        browser.control("Login on VideoAsk").await?;
        Ok(Self { folder, language, text })
    }

    fn tokens(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file()).expect("the file is there")).expect("the file is whole")
    }

    fn change(&self, name: &str, value: &str) {
        let mut tokens = self.tokens();
        tokens[name] = json!(value);
        fs::write(self.file(), tokens.to_string()).expect("the file can be written");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("videoask.json")
    }

    fn run(&self) -> Output {
        self.finish(self.command())
    }

    fn command(&self) -> Command {
        self.language.command(&self.text, self.folder.path())
    }

    fn finish(&self, mut command: Command) -> Output {
        let client = [("CLIENT_ID", "demo-client-id"), ("CLIENT_SECRET", "demo-client-secret")];
        command.envs(client).current_dir(self.folder.path()).output().expect("it can be run")
    }

    /// Runs it, and stops it where it would rename the new file.
    fn run_until_renaming(&self) -> Output {
        let mut command = self.command();
        match self.language {
            Language::Python => {
                write(
                    self.folder.path(),
                    "sitecustomize.py",
                    &format!("import os\nos.replace = lambda *_: os._exit({STOPPED})\n"),
                );
                command.env("PYTHONPATH", self.folder.path());
            }
            Language::Node => {
                let stop = format!(
                    "import fs from 'node:fs/promises';\nimport {{ syncBuiltinESMExports }} from 'node:module';\n\
                     fs.rename = () => process.exit({STOPPED});\nsyncBuiltinESMExports();\n"
                );
                command.env(
                    "NODE_OPTIONS",
                    format!("--import={}", write(self.folder.path(), "stop.mjs", &stop).display()),
                );
            }
            Language::Shell | Language::Rust => panic!("no program that refreshes is in {:?}", self.language),
        }
        self.finish(command)
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, text).expect("the folder can be written");
    file
}

#[tokio::test]
async fn the_programs_that_refresh_save_every_rotated_token_before_they_use_it() {
    ROTATING
        .run(async |browser| {
            for (css, language) in PROGRAMS {
                let program = Program::of_page(browser, css, language).await?;
                let first = program.tokens();
                assert_lists_the_forms(&program.run());
                assert_eq!(program.tokens(), first, "{language:?} does not refresh a valid token");

                for (name, value) in [
                    ("expires_at", "2026-01-01T00:00:00Z"),
                    ("access_token", "refused"),
                    ("expires_at", "2026-01-01T00:00:00Z"),
                    ("access_token", "refused"),
                ] {
                    program.change(name, value);
                    let before = program.tokens();
                    assert_lists_the_forms(&program.run());
                    let after = program.tokens();
                    for token in ["access_token", "refresh_token"] {
                        assert_ne!(before[token], after[token], "{language:?} saves the new {token}");
                    }
                }
                let mode = fs::metadata(program.file())?.permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{language:?}: the file is for its owner");
            }
            Ok(())
        })
        .await;
}

#[tokio::test]
async fn a_program_that_is_stopped_while_it_saves_loses_no_token() {
    ROTATING
        .run(async |browser| {
            for (css, language) in PROGRAMS {
                let program = Program::of_page(browser, css, language).await?;
                program.change("expires_at", "2026-01-01T00:00:00Z");
                let before = program.tokens();
                let stopped = program.run_until_renaming();
                assert_eq!(stopped.status.code(), Some(STOPPED), "{language:?}: {}", said(&stopped));
                assert!(stopped.stdout.is_empty(), "{language:?} uses no token that is not saved");
                assert_eq!(program.tokens(), before, "{language:?}: the file is as it was, and whole");

                assert_lists_the_forms(&program.run());
                assert_ne!(program.tokens()["refresh_token"], before["refresh_token"], "{language:?}");
                program.change("expires_at", "2026-01-01T00:00:00Z");
                assert_lists_the_forms(&program.run());
            }
            Ok(())
        })
        .await;
}

#[tokio::test]
async fn a_program_that_cannot_refresh_says_what_videoask_said_and_keeps_its_file() {
    ROTATING
        .run(async |browser| {
            for (css, language) in PROGRAMS {
                let program = Program::of_page(browser, css, language).await?;
                program.change("expires_at", "2026-01-01T00:00:00Z");
                program.change("refresh_token", "unknown");
                let before = program.tokens();
                let output = program.run();
                assert!(!output.status.success() && said(&output).contains("invalid_grant"), "{}", said(&output));
                assert_eq!(program.tokens(), before, "{language:?}");
            }
            Ok(())
        })
        .await;
}

#[test]
fn the_documents_have_the_very_programs_of_the_page() {
    let programs = [
        ("python", include_str!("../../../../templates/snippets/refresh.py")),
        ("js", include_str!("../../../../templates/snippets/refresh.mjs")),
    ];
    let blocks = documents::blocks(root(), Proof::RefreshingProgram);
    assert_eq!(blocks.len(), programs.len());
    for block in blocks {
        let (_, program) = programs.iter().find(|(fence, _)| *fence == block.language).expect("the page has it");
        let program = program
            .replace("__API_URL__", "https://api.videoask.com")
            .replace("__AUTH_URL__", "https://auth.videoask.com");
        assert_eq!(block.text, program, "{}", block.document);
    }
}
