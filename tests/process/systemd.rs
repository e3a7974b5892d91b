//! The program as a systemd service: the unit, the recipe in its comments, and what the program tells systemd.

use std::{
    fs,
    io::ErrorKind,
    net::TcpStream,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::support::{Deployment, Program, Server, start_in, until};

const UNIT: &str = include_str!("../../deploy/videoask-auth.service");
const INSTALLED: &str = "/usr/local/bin/videoask-auth";

/// systemd's end of `NOTIFY_SOCKET`.
struct Notifications {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Notifications {
    fn listen(folder: &Path) -> Self {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        Self { socket, path }
    }

    fn next(&self) -> String {
        let mut buffer = [0; 256];
        let length = until("a notification", || match self.socket.recv(&mut buffer) {
            Ok(length) => Some(length),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => None,
            Err(error) => panic!("{error}"),
        });
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

#[test]
fn systemd_is_told_when_the_server_listens_and_when_it_stops() {
    let deployment = Deployment::new();
    let folder = tempfile::tempdir().unwrap();
    let systemd = Notifications::listen(folder.path());
    let socket = systemd.path.display().to_string();
    let mut program = deployment.start(&["serve"], &[("NOTIFY_SOCKET", &socket)]);
    assert_eq!(systemd.next(), "READY=1\n");
    let line = program.line(Program::stderr, "ready");
    let (_, address) = line.split_once("127.0.0.1:").expect("it says where it listens");
    let port: String = address.chars().take_while(char::is_ascii_digit).collect();
    assert!(TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());
    program.signal("TERM");
    assert_eq!(systemd.next(), "STOPPING=1\n");
    assert_eq!(program.finish().code, Some(0));
}

#[test]
fn a_notify_socket_that_is_not_there_stops_nothing() {
    let deployment = Deployment::new();
    let mut program = deployment.start(&["serve"], &[("NOTIFY_SOCKET", "/nowhere/notify")]);
    program.line(Program::stderr, "could not be notified");
    program.signal("TERM");
    assert_eq!(program.finish().code, Some(0));
}

#[test]
fn the_unit_is_accepted_by_systemd() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("videoask-auth.service");
    fs::write(&file, UNIT.replace(INSTALLED, env!("CARGO_BIN_EXE_videoask-auth"))).unwrap();
    match Command::new("systemd-analyze").arg("verify").arg(&file).output() {
        Ok(output) => assert!(output.status.success() && output.stderr.is_empty(), "{output:?}"),
        Err(error) if error.kind() == ErrorKind::NotFound => eprintln!("there is no systemd-analyze here"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_unit_waits_for_a_store_that_comes_later_and_sets_no_variable_of_the_configuration() {
    for line in ["Type=notify", "Restart=on-failure", "RestartSec=5s", "StartLimitIntervalSec=0"] {
        assert!(UNIT.lines().any(|there| there == line), "{line}");
    }
    // What the unit sets, the command line does not see. The allocator's setting matters only to the server.
    let set: Vec<_> = UNIT.lines().filter(|line| line.starts_with("Environment")).collect();
    assert_eq!(set, ["Environment=MIMALLOC_PURGE_DELAY=0"]);
}

/// The service and the command line read the same file, from different folders.
#[tokio::test]
async fn by_the_recipe_the_command_line_opens_the_services_store() {
    let (state, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recipe = UNIT.lines().find_map(|line| line.strip_prefix("#   STORE_URL=")).expect("the recipe names the store");
    let store = recipe.replace("/var/lib/videoask-auth", &state.path().display().to_string());
    let deployment = Deployment::keeping().set("STORE_URL", &store);
    let env_file = deployment.path().join(".env").display().to_string();
    let command = UNIT.lines().find_map(|line| line.strip_prefix("#   videoask-auth ")).expect("it has a command");
    let command = command.replace("/etc/videoask-auth.env", &env_file);

    let mut program = start_in(state.path(), &["serve", "--env-file", &env_file], &[]);
    let line = program.line(Program::stderr, "ready");
    let (_, address) = line.split_once("127.0.0.1:").expect("it says where it listens");
    let port: String = address.chars().take_while(char::is_ascii_digit).collect();
    let server = Server { program, url: format!("http://localhost:{port}").parse().unwrap() };
    server.log_in(&server.browser()).await;
    let status = start_in(elsewhere.path(), &command.split(' ').collect::<Vec<_>>(), &[]).finish();
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.stdout.contains("ada@example.com"), "{status:?}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0, "no second store");
}
