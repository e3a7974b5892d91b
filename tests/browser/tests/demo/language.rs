//! The languages of the programs on the token page and in the documents, and how to run a program in each.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use browser::library;

/// A language, in the order of the token page.
#[derive(Clone, Copy, Debug)]
pub enum Language {
    Shell,
    Python,
    Node,
    Rust,
}

pub const LANGUAGES: [Language; 4] = [Language::Shell, Language::Python, Language::Node, Language::Rust];

/// The Python that `scripts/python` makes, with the packages that the tests need.
const PYTHON: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../python/bin/python3");

/// The main file of the Rust program: the page's program is a module of it. Both are compiled with the app's features
/// of reqwest, with which an HTTP client needs an installed crypto provider. With the features that the page's program
/// asks for, reqwest brings one.
const RUST_MAIN: &str = r#"
mod shown {
    include!("forms.rs");
    pub fn run() -> impl std::process::Termination {
        main()
    }
}

fn main() -> impl std::process::Termination {
    rustls::crypto::ring::default_provider().install_default().expect("nobody else installs one");
    shown::run()
}
"#;

impl Language {
    /// The language of a code block.
    pub fn of_fence(fence: &str) -> Self {
        match fence {
            "sh" => Self::Shell,
            "python" => Self::Python,
            "js" => Self::Node,
            "rust" => Self::Rust,
            other => panic!("no program runs {other}"),
        }
    }

    /// Writes the page's text to a file in `folder`, and returns the command that runs it. Its environment has only
    /// `PATH`.
    pub fn command(self, text: &str, folder: &Path) -> Command {
        let file = folder.join(self.file_name());
        fs::write(&file, text).expect("the folder can be written");
        let mut command = match self {
            Self::Rust => Command::new(compiled(folder)),
            Self::Shell => interpreter("bash", &file),
            Self::Node => interpreter("node", &file),
            Self::Python => {
                assert!(Path::new(PYTHON).exists(), "run scripts/python first: it makes the Python for the tests");
                interpreter(PYTHON, &file)
            }
        };
        #[expect(clippy::disallowed_methods, reason = "this is no part of the app, which has a reader of its own")]
        let path = std::env::var_os("PATH").expect("there is a PATH");
        command.env_clear().env("PATH", path);
        command
    }

    fn file_name(self) -> &'static str {
        match self {
            Self::Shell => "forms.sh",
            Self::Python => "forms.py",
            Self::Node => "forms.mjs",
            Self::Rust => "forms.rs",
        }
    }
}

fn interpreter(name: &str, file: &Path) -> Command {
    let mut command = Command::new(name);
    command.arg(file);
    command
}

/// Compiles `forms.rs` against the libraries that are built for the tests anyway: nothing is downloaded.
fn compiled(folder: &Path) -> PathBuf {
    let (source, program) = (folder.join("main.rs"), folder.join("forms"));
    fs::write(&source, RUST_MAIN).expect("the folder can be written");
    let mut rustc = Command::new(Path::new(env!("CARGO")).with_file_name("rustc"));
    rustc.args(["--edition", "2024"]).arg(&source).arg("-o").arg(&program);
    for name in ["reqwest", "serde_json", "rustls"] {
        let library = library(name);
        rustc.arg("--extern").arg(format!("{name}={}", library.display()));
        rustc.arg("-L").arg(format!("dependency={}", library.parent().expect("it is a file").display()));
    }
    let output = rustc.output().expect("there is a rustc beside cargo");
    assert!(output.status.success(), "{}", said(&output));
    program
}

/// All output of a program, for the message of a failed test.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}
