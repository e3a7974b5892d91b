//! What the README tells people to type, as it stands there.

use std::process::Command;

use crate::support::Deployment;

const README: &str = include_str!("../../README.md");

/// The first code block of this language.
fn block(language: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("```{language}\n")).expect("the README has one");
    rest.split_once("\n```").expect("it has an end").0
}

#[tokio::test]
async fn the_line_for_cron_works_with_crons_short_path() {
    let deployment = Deployment::keeping();
    let server = deployment.serve();
    server.log_in(&server.browser()).await;
    std::fs::write(deployment.path().join("report"), "#!/bin/sh\nprintf %s \"$VIDEOASK_ACCESS_TOKEN\" > token\n")
        .unwrap();

    let command: String = block("crontab").splitn(6, ' ').skip(5).collect();
    assert!(command.contains(" /usr/local/bin/videoask-auth exec "), "cron finds a program by its whole path alone");
    let here = deployment.path().display().to_string();
    let command = command
        .replace("/usr/local/bin/videoask-auth", env!("CARGO_BIN_EXE_videoask-auth"))
        .replace("/srv/videoask-auth", &here)
        .replace("/srv/report/run", &format!("/bin/sh {here}/report"))
        .replace("logger", "echo");
    // As cron starts it.
    let mut cron = Command::new("/bin/sh");
    let output = cron.args(["-c", &command]).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{command}: {output:?}");
    assert!(deployment.path().join("token").metadata().unwrap().len() > 20);
}

#[test]
fn commands_for_containers_and_for_installing_are_whole() {
    assert!(README.matches("docker exec").count() <= README.matches("compose --file deploy/compose.yaml exec").count());
    for line in README.lines().filter(|line| line.contains("cargo install")) {
        assert!(line.contains("cargo install --locked"), "{line}");
    }
}
