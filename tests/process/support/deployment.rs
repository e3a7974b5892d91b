use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{ChildStdin, Command},
};

use standin::Options;
use tempfile::TempDir;
use url::Url;

use super::{Clocks, Page, Program, Provider, browser::Browser, ports::ReservedPort, program::Finished};

/// The app's URL in `.env`. A server listens on a port that the system chooses, so the browser's URLs get that port
/// instead.
pub const APP_URL: &str = "http://localhost:3000";
pub const CALLBACK: &str = "http://localhost:3000/auth/videoask/callback";

/// A working directory with a `.env`, and the stand-in whose URLs the `.env` has.
pub struct Deployment {
    pub provider: Provider,
    /// The clocks of this deployment's machine.
    pub clocks: Clocks,
    folder: TempDir,
    variables: BTreeMap<&'static str, String>,
    _port: Option<ReservedPort>,
}

/// A server that is ready.
pub struct Server {
    pub program: Program,
    pub url: Url,
}

impl Deployment {
    /// A deployment in mint mode: a Glitch app's five variables, the stand-in's URLs, and a port that the system
    /// chooses.
    pub fn new() -> Self {
        Self::before_tenant(|_| {})
    }

    /// Like [`Deployment::new`], with this client secret in `.env` and at the stand-in.
    pub fn with_client_secret(client_secret: &str) -> Self {
        let deployment = Self::before_tenant(|options| client_secret.clone_into(&mut options.client_secret));
        deployment.set("CLIENT_SECRET", client_secret)
    }

    /// Like [`Deployment::new`], with options of the tenant that `set_up` changes.
    pub fn before_tenant(set_up: impl FnOnce(&mut Options)) -> Self {
        Self::at(APP_URL, set_up)
    }

    /// Like [`Deployment::new`], with a reserved port in APP_URL.
    pub fn at_reserved_port() -> Self {
        let port = ReservedPort::new();
        let deployment = Self::at(&format!("http://localhost:{}", port.number()), |_| {});
        Self { _port: Some(port), ..deployment }
    }

    fn at(app_url: &str, set_up: impl FnOnce(&mut Options)) -> Self {
        let provider = Provider::start(&format!("{app_url}/auth/videoask/callback"), set_up);
        let url = provider.url.to_string();
        let variables = BTreeMap::from([
            ("CLIENT_ID", "demo-client-id".to_owned()),
            ("CLIENT_SECRET", "demo-client-secret".to_owned()),
            ("APP_URL", app_url.to_owned()),
            ("SCOPES", "openid,profile,email,offline_access".to_owned()),
            ("EXPRESS_SESSION", "a-session-secret-of-the-glitch-days".to_owned()),
            ("PORT", "0".to_owned()),
            ("VIDEOASK_AUTH_URL", url.clone()),
            ("VIDEOASK_API_URL", url),
        ]);
        let deployment =
            Self { provider, clocks: Clocks::right(), folder: TempDir::new().unwrap(), variables, _port: None };
        deployment.write();
        deployment
    }

    /// A deployment in keep mode, for Ada and Grace.
    pub fn keeping() -> Self {
        Self::keeping_before_tenant(|_| {})
    }

    /// Like [`Deployment::keeping`], with options of the tenant that `set_up` changes.
    pub fn keeping_before_tenant(set_up: impl FnOnce(&mut Options)) -> Self {
        Self::before_tenant(set_up).keep()
    }

    /// This deployment in keep mode, for Ada and Grace.
    pub fn keep(self) -> Self {
        let deployment = self.set("ALLOWED_USERS", "ada@example.com,grace@example.com");
        deployment.set("EXPRESS_SESSION", "a-session-secret-that-is-long-enough-to-keep")
    }

    /// What `.env` sets a variable to.
    pub fn variable(&self, name: &str) -> &str {
        &self.variables[name]
    }

    /// Sets a variable in `.env`.
    pub fn set(mut self, name: &'static str, value: &str) -> Self {
        self.variables.insert(name, value.to_owned());
        self.write();
        self
    }

    fn write(&self) {
        let lines: Vec<String> = self.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        fs::write(self.path().join(".env"), lines.join("\n")).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The names of the files in its folder.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Starts the program in this folder. Its environment has only `variables` and those for the clocks.
    pub fn start(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Program {
        start_in(self.path(), arguments, &[&self.clocks.variables(), variables].concat())
    }

    /// Runs a command until it ends.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments, &[]).finish()
    }

    /// Starts a command with this on its stdin.
    pub fn start_with(&self, arguments: &[&str], input: &str) -> Program {
        Program::start_with(command_in(self.path(), arguments, &self.clocks.variables()), input)
    }

    /// Runs a command until it ends, without root's privilege to ignore file modes.
    pub fn run_unprivileged(&self, arguments: &[&str]) -> Finished {
        let probe = self.path().join("probe");
        fs::create_dir(&probe).unwrap();
        fs::set_permissions(&probe, Permissions::from_mode(0o555)).unwrap();
        if fs::write(probe.join("file"), "").is_err() {
            return self.run(arguments);
        }
        // Without these capabilities, even root obeys the modes.
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-dac_override,-dac_read_search", env!("CARGO_BIN_EXE_videoask-auth")]);
        command.env_clear().current_dir(self.path()).args(arguments);
        Program::start(command).finish()
    }

    /// Makes a folder here in which no file can be created.
    pub fn sealed_folder(&self, name: &str) {
        let folder = self.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    }

    /// Starts a server and waits until it is ready.
    pub fn serve(&self) -> Server {
        self.serve_by(&["serve"])
    }

    pub fn serve_by(&self, arguments: &[&str]) -> Server {
        self.serve_with(arguments, &[])
    }

    pub fn serve_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Server {
        Self::ready(self.start(arguments, variables))
    }

    /// Starts a server that may have this many files open.
    pub fn serve_with_file_limit(&self, files: u32) -> Server {
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {files}; exec {} serve", env!("CARGO_BIN_EXE_videoask-auth"));
        command.env_clear().current_dir(self.path()).args(["-c", &script]);
        Self::ready(Program::start(command))
    }

    fn ready(mut program: Program) -> Server {
        let line = program.line(Program::stderr, "ready");
        let (_, address) = line.split_once("127.0.0.1:").expect("it says where it listens");
        let port: String = address.chars().take_while(char::is_ascii_digit).collect();
        Server { program, url: format!("http://localhost:{port}").parse().unwrap() }
    }
}

/// Starts the program in `folder`. Its environment has only `variables`.
pub fn start_in(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Program {
    Program::start(command_in(folder, arguments, variables))
}

fn command_in(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_videoask-auth"));
    command.env_clear().envs(variables.iter().copied()).current_dir(folder).args(arguments);
    command
}

/// Starts the program in the folder of a deployment, with a pipe as its stdin.
pub fn typing_in(deployment: &Deployment, arguments: &[&str]) -> (Program, ChildStdin) {
    Program::start_typing(command_in(deployment.path(), arguments, &deployment.clocks.variables()))
}

/// Like [`start_in`], and waits until the program ends.
pub fn run_in(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
    start_in(folder, arguments, variables).finish()
}

impl Server {
    pub fn browser(&self) -> Browser {
        Browser::new(self.url.clone())
    }

    /// The URL of the callback after Ada has approved, at the port that this server really has.
    pub async fn callback(&self, browser: &Browser) -> Url {
        let page = browser.begin().await;
        self.here(browser.approve(&page, "ada@example.com").await)
    }

    /// A URL of the app, at the port that this server really has.
    pub fn here(&self, mut url: Url) -> Url {
        url.set_port(self.url.port()).unwrap();
        url
    }

    /// A whole login of Ada. Returns the page that it ends on.
    pub async fn log_in(&self, browser: &Browser) -> Page {
        let callback = self.callback(browser).await;
        browser.open(callback.as_str()).await
    }

    /// Stops the server by SIGTERM, as a container runtime does.
    pub fn stop(self) -> Finished {
        self.program.signal("TERM");
        self.program.finish()
    }
}
