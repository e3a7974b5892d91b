//! The code blocks of README.md and docs/, and the test that checks each of them.

use std::{collections::BTreeSet, fs, path::Path};

/// How a test checks a code block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// tests/process/documents.rs starts the demo with its first command, and checks that its script can be run.
    FirstCommands,
    /// tests/process/documents.rs runs it with a `.env` that is filled in.
    Setup,
    /// tests/process/documents.rs turns keep mode on with it.
    KeepMode,
    /// tests/process/documents.rs runs it where a user is connected.
    CommandLine,
    /// tests/process/login.rs runs it, and logs in.
    Login,
    /// tests/process/documents.rs runs it where nobody is connected, with a refresh token.
    Import,
    /// tests/process/backup.rs runs it while a server runs, or after that has stopped.
    Backup,
    /// tests/process/notifications.rs runs it: a receiver, and a command that sends it an event.
    Notifications,
    /// tests/process/documents.rs runs it with the short `PATH` of cron.
    Crontab,
    /// tests/process/documents.rs runs it with an API key of a server.
    MachineApi,
    /// tests/process/documents.rs runs it with an API key of a server, where there is no store.
    Elsewhere,
    /// tests/process/documents.rs compares its fields with those of a server's response.
    TokenResponse,
    /// tests/process/documents.rs runs it with both tokens of a login, at the stand-in.
    OwnTokens,
    /// tests/process/documents.rs compares it with Dockerfile and deploy/compose.yaml.
    Container,
    /// tests/process/documents.rs loads it as part of a `.env`.
    DotEnv,
    /// tests/process/documents.rs checks it with promtool.
    Prometheus,
    /// tests/layers.rs compares its arrows with the imports in src/.
    Imports,
    /// tests/process/reverse_proxies.rs starts the reverse proxy with it.
    ReverseProxy,
    /// tests/browser runs it with an API key.
    KeepModeProgram,
    /// tests/browser compares it with a program of the token page, and runs that program.
    RefreshingProgram,
    /// No test checks it: it is a drawing, for people.
    Drawing,
}

/// The document, the first line of the block, and how it is checked.
const CLAIMS: &[(&str, &str, Proof)] = &[
    ("README.md", "cargo run -- demo    # try it; you need no VideoAsk account", Proof::FirstCommands),
    ("README.md", "cargo run -- check      # names each mistake and its fix", Proof::Setup),
    ("README.md", "cargo run --release -- login --format json > videoask.json", Proof::Login),
    (
        "README.md",
        "# Lists your forms, and gets the next access token when one has expired. Needs requests: pip install requests",
        Proof::RefreshingProgram,
    ),
    (
        "README.md",
        "printf '\\nALLOWED_USERS=ada@example.com\\nAPI_KEY=%s\\n' \"$(openssl rand -hex 32)\" >> .env",
        Proof::KeepMode,
    ),
    (
        "README.md",
        "curl --fail-with-body --header \"Authorization: Bearer $VIDEOASK_AUTH_API_KEY\" \"$APP_URL/proxy/forms?limit=20\"",
        Proof::MachineApi,
    ),
    ("docs/architecture.md", "flowchart TD", Proof::Imports),
    ("docs/cli.md", "videoask-auth check --offline", Proof::CommandLine),
    ("docs/cli.md", "export VIDEOASK_AUTH_SERVER=\"$APP_URL\"          # or --server URL", Proof::Elsewhere),
    ("docs/cli.md", "videoask-auth login >> .env", Proof::Login),
    ("docs/configuration.md", "CLIENT_SECRET='k7$x#9w2p'", Proof::DotEnv),
    ("docs/deploy.md", "upstream videoask_auth {", Proof::ReverseProxy),
    ("docs/deploy.md", "tokens.example.com {", Proof::ReverseProxy),
    (
        "docs/http-api.md",
        "curl --fail-with-body --header \"Authorization: Bearer $VIDEOASK_AUTH_API_KEY\" \"$APP_URL/api/token?min_ttl=600\"",
        Proof::MachineApi,
    ),
    (
        "docs/http-api.md",
        "{\"access_token\":\"eyJ…\",\"token_type\":\"Bearer\",\"expires_at\":\"2026-11-25T08:00:00Z\",\"expires_in\":86399,",
        Proof::TokenResponse,
    ),
    (
        "docs/http-api.md",
        "curl --fail-with-body --user \"default:$VIDEOASK_AUTH_API_KEY\" --data grant_type=client_credentials \"$APP_URL/oauth/token\"",
        Proof::MachineApi,
    ),
    ("docs/http-api.md", "printf '{\"refused\": \"%s\"}' \"$TOKEN\" |", Proof::MachineApi),
    ("docs/operations.md", "docker build --tag videoask-auth .", Proof::Container),
    ("docs/operations.md", "docker compose --file deploy/compose.yaml up --build --detach", Proof::Container),
    (
        "docs/operations.md",
        "videoask-auth key add weekly-report --user ada@example.com --method GET --path /forms --expires 90d",
        Proof::CommandLine,
    ),
    ("docs/operations.md", "python3 -c '", Proof::Notifications),
    ("docs/operations.md", "NOTIFY_URL=http://localhost:9000/ videoask-auth check --notify", Proof::Notifications),
    ("docs/operations.md", "videoask-auth backup videoask-auth-backup.db", Proof::Backup),
    ("docs/operations.md", "mv videoask-auth.db videoask-auth-before.db", Proof::Backup),
    ("docs/operations.md", "printf %s \"$REFRESH_TOKEN\" | videoask-auth import", Proof::Import),
    ("docs/operations.md", "videoask-auth forget --user ada@example.com --revoke", Proof::CommandLine),
    ("docs/operations.md", "scrape_configs:", Proof::Prometheus),
    ("docs/operations.md", "groups:", Proof::Prometheus),
    ("docs/programs.md", "import os", Proof::KeepModeProgram),
    (
        "docs/programs.md",
        "const response = await fetch(`${process.env.APP_URL}/proxy/forms`, {",
        Proof::KeepModeProgram,
    ),
    ("docs/programs.md", "// [dependencies]", Proof::KeepModeProgram),
    (
        "docs/programs.md",
        "videoask-auth api /forms --paginate             # the account's forms, one JSON object a line",
        Proof::CommandLine,
    ),
    (
        "docs/programs.md",
        "videoask-auth api /forms --paginate | jq --raw-output '[.form_id, .title] | @tsv'",
        Proof::CommandLine,
    ),
    ("docs/programs.md", "printf %s \"$TOKEN\" | videoask-auth token --refused", Proof::CommandLine),
    ("docs/programs.md", "printf 'Authorization: Bearer %s' \"$VIDEOASK_AUTH_API_KEY\" |", Proof::MachineApi),
    (
        "docs/programs.md",
        "0 6 * * * cd /srv/videoask-auth && /usr/local/bin/videoask-auth exec -- /srv/report/run || logger \"report failed: $?\"",
        Proof::Crontab,
    ),
    (
        "docs/programs.md",
        "curl --fail-with-body --header \"Authorization: Bearer $VIDEOASK_ACCESS_TOKEN\" https://api.videoask.com/forms",
        Proof::OwnTokens,
    ),
    ("docs/programs.md", "curl --fail-with-body https://auth.videoask.com/oauth/token \\", Proof::OwnTokens),
    (
        "docs/programs.md",
        "// Lists your forms, and gets the next access token when one has expired. Needs Node 18 or newer.",
        Proof::RefreshingProgram,
    ),
    ("docs/vault.md", "stateDiagram-v2", Proof::Drawing),
];

/// A code block of a document.
#[derive(Clone, Debug)]
pub struct Block {
    /// The document, relative to the repository.
    pub document: String,
    /// The language that its opening fence names. Empty for a drawing in text.
    pub language: String,
    /// The lines between the fences, each with its line break.
    pub text: String,
}

impl Block {
    /// How this block is checked. `None` if no claim names it.
    pub fn proof(&self) -> Option<Proof> {
        if self.language.is_empty() {
            return Some(Proof::Drawing);
        }
        let first = self.text.lines().next().unwrap_or_default();
        let claim = CLAIMS.iter().find(|(document, line, _)| *document == self.document && *line == first);
        claim.map(|(_, _, proof)| *proof)
    }
}

/// The blocks that are checked in this way. Panics if there is none.
pub fn blocks(root: &Path, proof: Proof) -> Vec<Block> {
    let blocks: Vec<Block> = all(root).into_iter().filter(|block| block.proof() == Some(proof)).collect();
    assert!(!blocks.is_empty(), "no block is claimed by {proof:?}");
    blocks
}

/// Every block of README.md and docs/.
pub fn all(root: &Path) -> Vec<Block> {
    documents(root).iter().flat_map(|(name, text)| of(name, text)).collect()
}

/// README.md and docs/*.md, by name, with their text.
pub fn documents(root: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(root.join("docs")).expect("docs is readable");
    let paths = entries.map(|entry| entry.expect("docs is readable").path());
    let pages = paths.filter(|path| path.extension() == Some("md".as_ref()));
    let names = pages.filter_map(|path| Some(format!("docs/{}", path.file_name()?.to_string_lossy())));
    let names: BTreeSet<String> = names.chain(["README.md".to_owned()]).collect();
    let read = |name: &String| fs::read_to_string(root.join(name)).expect("a document is text");
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// The claims whose document exists, but no longer has the block.
pub fn unused_claims(root: &Path) -> Vec<String> {
    let blocks = all(root);
    let is_used = |document: &str, line: &str| {
        blocks.iter().any(|block| block.document == document && block.text.lines().next() == Some(line))
    };
    let unused = CLAIMS.iter().filter(|(document, line, _)| root.join(document).exists() && !is_used(document, line));
    unused.map(|(document, line, _)| format!("{document}: {line}")).collect()
}

fn of(document: &str, text: &str) -> Vec<Block> {
    let (mut blocks, mut open) = (Vec::new(), None::<Block>);
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(language), None) => {
                open =
                    Some(Block { document: document.to_owned(), language: language.to_owned(), text: String::new() });
            }
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{document}: a code block has no end");
    blocks
}
