use std::{
    net::{Ipv4Addr, TcpStream},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::until;

/// A running nginx; dropped, it is killed.
pub struct Nginx {
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Starts one with this `server` block, or says that another process has taken its port.
    pub fn start(port: u16, server: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {path}/{name};\n"))
            .concat();
        let configuration = format!(
            "daemon off;\nmaster_process off;\npid {path}/pid;\nerror_log stderr;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}server {{\n{server}\n}} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new("nginx");
        command.args(["-p", folder.path().to_str().unwrap(), "-e", "stderr", "-c", file.to_str().unwrap()]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nginx is installed");
        let is_up = until("nginx", || {
            let ended = child.try_wait().unwrap().map(|_| false);
            ended.or_else(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok().then_some(true))
        });
        is_up.then_some(Self { child, _folder: folder })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
