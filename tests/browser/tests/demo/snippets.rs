//! The programs on the token page, and those in README.md and docs/, do what they promise, as they stand there.

use std::{path::Path, process::Output};

use browser::{Browser, KEEP_MODE, with_demo};
use thirtyfour::error::WebDriverResult;

use crate::{
    documents::{self, Proof},
    language::{LANGUAGES, Language, said},
};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[tokio::test]
async fn every_program_on_the_page_lists_the_forms_with_the_token() {
    with_demo(async |browser| {
        browser.log_in().await?;
        let token = browser.hidden_text("#access-token").await?;
        every_program_works(browser, "VIDEOASK_ACCESS_TOKEN", &token).await
    })
    .await;
}

#[tokio::test]
async fn in_keep_mode_every_program_lists_the_forms_with_the_api_key_and_no_token() {
    KEEP_MODE
        .run(async |browser| {
            browser.log_in().await?;
            every_program_works(browser, "VIDEOASK_AUTH_API_KEY", browser.api_key()).await
        })
        .await;
}

#[tokio::test]
async fn every_program_of_the_documents_lists_the_forms_with_the_api_key() {
    KEEP_MODE
        .run(async |browser| {
            browser.log_in().await?;
            for block in documents::blocks(root(), Proof::KeepModeProgram) {
                let folder = tempfile::tempdir()?;
                let mut command = Language::of_fence(&block.language).command(&block.text, folder.path());
                command.envs([
                    ("APP_URL", browser.app()),
                    ("VIDEOASK_AUTH_API_KEY", browser.api_key()),
                    ("VIDEOASK_API_URL", browser.provider()),
                ]);
                assert_lists_forms(&command.output()?);
            }
            Ok(())
        })
        .await;
}

async fn every_program_works(browser: &Browser, variable: &str, secret: &str) -> WebDriverResult<()> {
    for (index, language) in (1..).zip(LANGUAGES) {
        let heading = browser.hidden_text(&format!(".fold:has(#snippet-{index}) summary")).await?;
        assert_eq!(heading, format!("{language:?}"));
        let text = browser.hidden_text(&format!("#snippet-{index}")).await?;
        assert!(!text.contains(secret), "{language:?} shows the secret");
        works(language, &text, variable, secret);
    }
    Ok(())
}

/// Asserts that the program prints the first titles with the secret, and that without it or with a wrong one, the
/// program fails with a message.
fn works(language: Language, text: &str, variable: &str, secret: &str) {
    let folder = tempfile::tempdir().expect("there is room for a program");
    let mut command = language.command(text, folder.path());
    let mut run = |value: Option<&str>| {
        command.envs(value.map(|value| (variable, value)));
        command.output().unwrap_or_else(|error| panic!("{language:?} cannot be run: {error}"))
    };

    for output in [run(None), run(Some("wrong"))] {
        assert!(!output.status.success(), "{language:?} succeeds without the secret: {}", said(&output));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{language:?}: {}", said(&output));
    }

    assert_lists_the_forms(&run(Some(secret)));
}

pub fn assert_lists_the_forms(output: &Output) {
    assert_lists_forms(output);
    let titles = String::from_utf8_lossy(&output.stdout);
    assert_eq!(titles.lines().count(), 20, "{titles}");
}

fn assert_lists_forms(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
    let titles = String::from_utf8_lossy(&output.stdout);
    assert!(titles.lines().next() == Some("Welcome on board (1)") && titles.lines().count() >= 20, "{titles}");
}
