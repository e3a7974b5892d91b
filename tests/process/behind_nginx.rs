//! A real nginx on this machine before a loopback APP_URL, whatever `Host` it sends.

use std::net::{Ipv4Addr, TcpListener};

use crate::support::{Deployment, Nginx, Server, browser::Browser};

/// An app whose APP_URL is nginx's own address. `host` is nginx's directive for the header, by nginx's port.
fn behind_nginx(host: impl Fn(u16) -> String) -> (Server, Nginx, u16) {
    for _ in 0..20 {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let server = Deployment::new().set("APP_URL", &format!("http://localhost:{port}")).serve();
        drop(taken);
        let (upstream, host) = (server.url.port().unwrap(), host(port));
        let block =
            format!("listen 127.0.0.1:{port};\nlocation / {{ proxy_pass http://127.0.0.1:{upstream};\n{host}\n}}");
        if let Some(nginx) = Nginx::start(port, &block) {
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
