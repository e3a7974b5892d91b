//! The programs on the token page, and those in the README, do what they promise, as they stand there.

use std::process::Output;

use browser::{Browser, KEEPING, on_stage};
use thirtyfour::error::WebDriverResult;

use crate::language::{LANGUAGES, Language, said};

#[tokio::test]
async fn every_program_on_the_page_lists_the_forms_with_the_token() {
    on_stage(async |browser| {
        browser.log_in().await?;
        let token = browser.hidden_text("#access-token").await?;
        every_program_works(browser, "VIDEOASK_ACCESS_TOKEN", &token).await
    })
    .await;
}

#[tokio::test]
async fn in_keep_mode_every_program_lists_the_forms_with_the_api_key_and_no_token() {
    KEEPING
        .play(async |browser| {
            browser.log_in().await?;
            every_program_works(browser, "VIDEOASK_AUTH_API_KEY", browser.api_key()).await
        })
        .await;
}

#[tokio::test]
async fn the_python_programs_of_the_readme_list_the_forms() {
    KEEPING
        .play(async |browser| {
            browser.log_in().await?;
            let readme = include_str!("../../../../README.md");
            let programs: Vec<_> =
                readme.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
            assert_eq!(programs.len(), 2, "the two of VideoAsk's guide");
            for program in programs {
                let folder = tempfile::tempdir()?;
                let mut command = Language::Python.command(program, folder.path());
                command.envs([
                    ("APP_URL", browser.app()),
                    ("VIDEOASK_AUTH_API_KEY", browser.api_key()),
                    ("VIDEOASK_API_URL", browser.provider()),
                ]);
                assert_lists_the_forms(&command.output()?);
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

/// With the secret it prints the first titles; without, or with another, it says so and fails.
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
    assert!(output.status.success(), "{}", said(output));
    let titles = String::from_utf8_lossy(&output.stdout);
    assert_eq!((titles.lines().next(), titles.lines().count()), (Some("Welcome on board (1)"), 20), "{titles}");
}
