use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::Command,
};

use tempfile::TempDir;

use super::{Program, ports::ReservedPort, until};

/// A running nginx on a port of its own. It is killed when dropped.
pub struct Nginx {
    program: Program,
    port: ReservedPort,
    _folder: TempDir,
}

impl Nginx {
    /// Starts nginx with these lines in its `server` block, after `listen`.
    pub fn start(server: &str) -> Self {
        let (folder, port) = (TempDir::new().unwrap(), ReservedPort::new());
        let server = format!("server {{\nlisten 127.0.0.1:{} ssl;\n{server}\n}}", port.number());
        let program = Program::start(command(folder.path(), &server));
        let mut nginx = Self { program, port, _folder: folder };
        until("nginx", || {
            assert!(nginx.program.is_running(), "{}", nginx.program.stderr());
            TcpStream::connect((Ipv4Addr::LOCALHOST, nginx.port())).is_ok().then_some(())
        });
        nginx
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }
}

/// The command that starts nginx with these parts of its `http` block. nginx runs as one process, so killing it leaves
/// no worker.
pub fn command(folder: &Path, http: &str) -> Command {
    let path = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {path}/{name};\n"))
        .concat();
    let configuration = format!(
        "daemon off;\nmaster_process off;\npid {path}/pid;\nerror_log stderr;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}{http}\n}}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration).unwrap();
    let mut command = Command::new("nginx");
    command.args(["-p", folder.to_str().unwrap(), "-e", "stderr", "-c", file.to_str().unwrap()]);
    command
}
