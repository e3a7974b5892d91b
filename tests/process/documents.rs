//! The commands and examples of README.md and docs/ work as they are written there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use reqwest::Method;
use serde_json::Value;

use crate::support::{
    Deployment, Program, Server,
    documents::{self, Block, Proof},
    run_in, start_in,
};

pub const KEY: &str = "5d1f0c7e93b84a26f8e07b1c64d9a3525d0b7e18";
const PROGRAM: &str = env!("CARGO_BIN_EXE_videoask-auth");

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn blocks(proof: Proof) -> Vec<Block> {
    documents::blocks(root(), proof)
}

pub fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("it is a document")
}

#[test]
fn every_code_block_is_claimed_by_a_test() {
    let unclaimed = documents::all(root()).into_iter().filter(|block| block.proof().is_none());
    let unclaimed: Vec<String> =
        unclaimed.map(|block| format!("{}: ```{}\n{}", block.document, block.language, block.text)).collect();
    assert!(unclaimed.is_empty(), "add a claim in tests/support/documents.rs:\n{}", unclaimed.join("\n"));
    assert_eq!(documents::unused_claims(root()), [""; 0]);
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages: BTreeMap<PathBuf, String> =
        documents::documents(root()).into_iter().map(|(name, text)| (root().join(name), text)).collect();
    for name in ["CONTRIBUTING.md", "CHANGELOG.md"] {
        pages.insert(root().join(name), document(name));
    }
    for (page, text) in &pages {
        for link in links(text).filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.with_file_name(path) };
            let target = target.canonicalize().unwrap_or_else(|_| panic!("{}: {link}", page.display()));
            let has_anchor = || anchors(&fs::read_to_string(&target).expect("it is a document")).contains(anchor);
            assert!(anchor.is_empty() || has_anchor(), "{}: {link}", page.display());
        }
    }
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
}

/// The anchors that GitHub makes from the headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| -> String {
        let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        text.chars().filter(|c| c.is_alphanumeric() || ['-', '_'].contains(c)).collect()
    };
    headings.map(anchor).collect()
}

/// Makes a folder with `videoask-auth` in it, for a `PATH`.
pub fn installed(folder: &Path) -> PathBuf {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    if !bin.join("videoask-auth").exists() {
        symlink(PROGRAM, bin.join("videoask-auth")).unwrap();
    }
    bin
}

/// Runs a block in a shell that stops at the first failure.
pub fn shell(text: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", installed(folder).display());
    let mut command = Command::new("sh");
    command.args(["-euc", text]).env_clear().env("PATH", path).envs(variables.iter().copied()).current_dir(folder);
    command.output().unwrap()
}

pub fn assert_success(block: &Block, output: &Output) {
    assert!(output.status.success(), "{}:\n{}\n{output:?}", block.document, block.text);
}

/// The arguments of each `cargo run` of a block, and the other lines of the block.
fn cargo_runs(text: &str) -> (Vec<Vec<&str>>, Vec<&str>) {
    let lines = text.lines().map(|line| line.split('#').next().expect("a split has a first part").trim());
    let (runs, others): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("cargo run"));
    let runs = runs.into_iter().map(|line| line.split_once(" -- ").map_or("", |(_, arguments)| arguments));
    (runs.map(|arguments| arguments.split_whitespace().collect()).collect(), others)
}

#[test]
fn the_first_commands_start_the_demo_and_the_tests() {
    let block = &blocks(Proof::FirstCommands)[0];
    let (runs, others) = cargo_runs(&block.text);
    assert!(document("README.md").find(&block.text) < document("README.md").find("\n## "), "they are at its head");
    let [demo] = &runs[..] else { panic!("{}", block.text) };
    let folder = tempfile::TempDir::new().unwrap();
    let mut program = start_in(folder.path(), &[demo, &["--port", "0"][..]].concat(), &[]);
    program.line(Program::stdout, "Open http://localhost:");
    assert_eq!(others, ["scripts/test"]);
    assert!(root().join(others[0]).metadata().unwrap().permissions().mode() & 0o111 != 0);
}

#[test]
fn the_setup_checks_and_serves() {
    let deployment = Deployment::new().set("CLIENT_ID", "demo-client-id");
    let block = &blocks(Proof::Setup)[0];
    let (runs, others) = cargo_runs(&block.text);
    let ([check, serve], []) = (&runs[..], &others[..]) else { panic!("{runs:?} {others:?}") };
    let checked = deployment.run(check);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert_eq!(deployment.serve_by(serve).stop().code, Some(0));
}

#[tokio::test]
async fn the_lines_for_keep_mode_give_programs_a_token() {
    let block = &blocks(Proof::KeepMode)[0];
    let deployment = Deployment::new();
    let env = deployment.path().join(".env");
    assert_success(block, &shell(&block.text, deployment.path(), &[]));
    let key = fs::read_to_string(&env).unwrap();
    let key = key.lines().find_map(|line| line.strip_prefix("API_KEY=")).unwrap().to_owned();
    let server = deployment.serve();
    server.log_in(&server.browser()).await;
    assert_eq!(get_token(&server, &key).await["user"], "ada@example.com");
}

async fn get_token(server: &Server, key: &str) -> Value {
    let browser = server.browser();
    let url = browser.url("/api/token");
    let page = browser.send(Method::GET, &url, |request| request.bearer_auth(key)).await;
    assert_eq!(page.status, 200, "{}", page.text());
    serde_json::from_slice(&page.body).unwrap()
}

#[tokio::test]
async fn every_command_works_where_a_user_is_connected() {
    for block in blocks(Proof::CommandLine) {
        let deployment = Deployment::keeping();
        deployment.connect("ada@example.com").await;
        fs::write(deployment.path().join("report.py"), "import os; os.environ['VIDEOASK_ACCESS_TOKEN']\n").unwrap();
        let token = deployment.run(&["token"]).stdout;
        assert_success(&block, &shell(&block.text, deployment.path(), &[("TOKEN", token.trim())]));
    }
}

#[tokio::test]
async fn a_refresh_token_is_imported_as_described_twice() {
    let block = &blocks(Proof::Import)[0];
    let deployment = Deployment::keeping();
    let token = deployment.provider.refresh_token("ada@example.com").await;
    for _ in 0..2 {
        assert_success(block, &shell(&block.text, deployment.path(), &[("REFRESH_TOKEN", &token)]));
    }
    assert_eq!(deployment.run(&["token"]).code, Some(0));
}

#[tokio::test]
async fn the_line_for_cron_works_with_crons_short_path() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    fs::write(deployment.path().join("report"), "#!/bin/sh\nprintf %s \"$VIDEOASK_ACCESS_TOKEN\" > token\n").unwrap();

    let block = &blocks(Proof::Crontab)[0];
    let command: String = block.text.trim().splitn(6, ' ').skip(5).collect();
    assert!(command.contains(" /usr/local/bin/videoask-auth exec "), "cron finds a program only by its whole path");
    let here = deployment.path().display().to_string();
    let command = command
        .replace("/usr/local/bin/videoask-auth", PROGRAM)
        .replace("/srv/videoask-auth", &here)
        .replace("/srv/report/run", &format!("/bin/sh {here}/report"))
        .replace("logger", "echo");
    // Cron starts it like this: with `/bin/sh` and a short `PATH`.
    let mut cron = Command::new("/bin/sh");
    let output = cron.args(["-c", &command]).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{command}: {output:?}");
    assert!(deployment.path().join("token").metadata().unwrap().len() > 20);
}

/// A server that keeps Ada's tokens and has an API key.
pub async fn with_api_key() -> (Deployment, Server) {
    let deployment = Deployment::keeping().set("API_KEY", KEY);
    deployment.connect("ada@example.com").await;
    let server = deployment.serve();
    (deployment, server)
}

#[tokio::test]
async fn every_request_with_an_api_key_is_answered() {
    let (deployment, server) = with_api_key().await;
    let token = get_token(&server, KEY).await["access_token"].as_str().unwrap().to_owned();
    let app = server.url.as_str().trim_end_matches('/');
    let variables = [("APP_URL", app), ("VIDEOASK_AUTH_API_KEY", KEY), ("TOKEN", &token)];
    for block in blocks(Proof::MachineApi) {
        let output = shell(&block.text, deployment.path(), &variables);
        assert_success(&block, &output);
        let response: Value = serde_json::from_slice(&output.stdout).unwrap();
        let is_expected = response["results"].is_array() || response["access_token"].is_string();
        assert!(is_expected, "{}: {response}", block.text);
        let is_refused = block.text.contains("refused") && response["access_token"] == token.as_str();
        assert!(!is_refused, "a refused token is replaced");
    }
}

#[tokio::test]
async fn the_commands_for_another_machine_need_a_server_and_a_key_alone() {
    let (_deployment, server) = with_api_key().await;
    let app = server.url.as_str().trim_end_matches('/');
    for block in blocks(Proof::Elsewhere) {
        let folder = tempfile::TempDir::new().unwrap();
        let output = shell(&block.text, folder.path(), &[("APP_URL", app), ("VIDEOASK_AUTH_API_KEY", KEY)]);
        assert_success(&block, &output);
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1 + 45);
    }
}

#[tokio::test]
async fn the_response_shown_has_the_fields_of_a_response() {
    let (_deployment, server) = with_api_key().await;
    let response = get_token(&server, KEY).await;
    for block in blocks(Proof::TokenResponse) {
        let shown: Value = serde_json::from_str(&block.text).unwrap();
        assert_eq!(kinds(&shown), kinds(&response));
    }
}

/// The fields of an object, and the kind of each value.
fn kinds(object: &Value) -> BTreeMap<&str, &'static str> {
    let kind = |value: &Value| match value {
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => "another",
    };
    object.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), kind(value))).collect()
}

#[tokio::test]
async fn own_tokens_open_the_api_and_are_refreshed_as_described() {
    let deployment = Deployment::keeping();
    let refresh_token = deployment.connect("ada@example.com").await;
    let access_token = deployment.run(&["token"]).stdout;
    let variables = [
        ("VIDEOASK_ACCESS_TOKEN", access_token.trim()),
        ("VIDEOASK_REFRESH_TOKEN", &refresh_token),
        ("CLIENT_ID", "demo-client-id"),
        ("CLIENT_SECRET", "demo-client-secret"),
    ];
    let provider = deployment.provider.url.as_str().trim_end_matches('/');
    for block in blocks(Proof::OwnTokens) {
        let text = ["https://api.videoask.com", "https://auth.videoask.com"]
            .iter()
            .fold(block.text.clone(), |text, host| text.replace(host, provider));
        let output = shell(&text, deployment.path(), &variables);
        assert_success(&block, &output);
        let response: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(response["results"].is_array() || response["access_token"].is_string(), "{response}");
    }
}

#[test]
fn commands_for_containers_fit_the_image_and_the_compose_file() {
    let help = run_in(root(), &["--help"], &[]).stdout;
    let image = document("Dockerfile");
    for block in blocks(Proof::Container) {
        for line in block.text.replace("\\\n", "").lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[0], "docker", "{line}");
            if let Some(at) = words.iter().position(|word| *word == "--file") {
                let compose = document(words[at + 1]);
                let service = words.iter().position(|word| *word == "exec").map_or("app", |exec| words[exec + 1]);
                assert!(compose.contains(&format!("\n  {service}:\n")), "{line}");
            }
            if words[1] == "run" {
                assert!(line.contains(":3000:3000 ") && image.contains("\nEXPOSE 3000\n"), "{line}");
                assert!(line.contains(":/data ") && image.contains("\nWORKDIR /data\n"), "{line}");
                assert!(line.contains("--stop-timeout 30 "), "an exchange under way is not cut: {line}");
            }
            if words.contains(&"exec") {
                let command = words.last().expect("it has words");
                assert!(help.contains(&format!("\n  {command} ")), "{line}");
            }
        }
    }
}

#[test]
fn commands_for_containers_and_for_installing_are_whole() {
    for (name, text) in documents::documents(root()) {
        assert!(
            text.matches("docker exec").count() <= text.matches("compose --file deploy/compose.yaml exec").count(),
            "{name}: who uses Compose is told, too"
        );
        for line in text.lines().filter(|line| line.contains("cargo install")) {
            assert!(line.contains("cargo install --locked"), "{name}: {line}");
        }
    }
}

#[test]
fn commands_for_contributors_name_what_is_there() {
    let text = document("CONTRIBUTING.md");
    let words: Vec<&str> = text.split_whitespace().collect();
    for pair in words.windows(2) {
        let paths = match pair {
            ["--test", name] => vec![format!("tests/{name}.rs"), format!("tests/{name}/main.rs")],
            ["--bench", name] => vec![format!("benches/{name}.rs"), format!("benches/{name}/main.rs")],
            [script, _] if script.starts_with("scripts/") => vec![(*script).to_owned()],
            _ => continue,
        };
        assert!(paths.iter().any(|path| root().join(path).exists()), "{paths:?}");
    }
}

#[test]
fn lines_for_the_env_file_load() {
    for block in blocks(Proof::DotEnv) {
        let deployment = Deployment::keeping();
        let env = deployment.path().join(".env");
        let name = |line: &str| line.split('=').next().unwrap_or_default().to_owned();
        let set: BTreeSet<String> = block.text.lines().map(name).collect();
        let old = fs::read_to_string(&env).unwrap();
        let lines = old.lines().filter(|line| !set.contains(&name(line))).chain(block.text.lines());
        fs::write(&env, lines.collect::<Vec<_>>().join("\n")).unwrap();
        let checked = deployment.run(&["check", "--offline"]);
        assert_eq!(checked.code, Some(0), "{checked:?}");
    }
}

#[test]
fn prometheus_takes_the_configuration_and_the_alerts() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("prometheus.yaml");
    for block in blocks(Proof::Prometheus) {
        fs::write(&file, &block.text).unwrap();
        let check = if block.text.starts_with("groups:") { &["rules"][..] } else { &["config", "--syntax-only"] };
        let output = Command::new("promtool").arg("check").args(check).arg(&file).output().unwrap();
        assert_success(&block, &output);
    }
}
