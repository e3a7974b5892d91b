//! A real nginx on this machine before a loopback APP_URL, whatever `Host` it sends.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::support::{Deployment, Server, browser::Browser, until};

/// A running nginx; dropped, it is killed.
struct Nginx {
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Starts one on `port`, or says that another process has taken the port.
    fn start(port: u16, upstream: u16, host: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {path}/{name};\n"))
            .concat();
        let configuration = format!(
            "daemon off;\nmaster_process off;\npid {path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n\
             {temporary}server {{ listen 127.0.0.1:{port};\n\
             location / {{ proxy_pass http://127.0.0.1:{upstream};\n{host}\n}} }} }}\n"
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

/// An app whose APP_URL is nginx's own address. `host` is nginx's directive for the header, by nginx's port.
fn behind_nginx(host: impl Fn(u16) -> String) -> (Server, Nginx, u16) {
    for _ in 0..20 {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let server = Deployment::new().set("APP_URL", &format!("http://localhost:{port}")).serve();
        drop(taken);
        if let Some(nginx) = Nginx::start(port, server.url.port().unwrap(), &host(port)) {
            return (server, nginx, port);
        }
    }
    panic!("nginx found no free port");
}

#[tokio::test]
async fn pages_load_whatever_host_it_sends() {
    let hosts: [fn(u16) -> String; 4] = [
        |_| String::new(),
        |_| "proxy_set_header Host \"\";".to_owned(),
        |port| format!("proxy_set_header Host 127.0.0.1:{port};"),
        |_| "proxy_set_header Host $http_host;".to_owned(),
    ];
    for host in hosts {
        let (server, _nginx, port) = behind_nginx(host);
        let browser = Browser::new(format!("http://localhost:{port}").parse().unwrap());
        let page = browser.open("/").await;
        assert_eq!(page.status, 200, "{}: {}", host(port), page.url);
        assert!(page.text().contains("Login on VideoAsk"), "{}", host(port));
        assert_eq!(server.stop().code, Some(0));
    }
}
