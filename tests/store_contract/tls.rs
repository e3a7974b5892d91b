//! `rediss://` with a real Redis that serves TLS. Which certificates are trusted comes from the environment, which a
//! process cannot safely change for itself. So the client's half runs in its own process.

use std::process::Command;

use super::*;

const URL: &str = "STORE_CONTRACT_TLS_URL";

#[test]
fn rediss_is_served_where_the_ca_is_trusted() {
    let server = TlsRedis::start("IP:127.0.0.1");
    let answer = server.client("rediss", Some("ca.pem"));
    assert!(answer.contains("CONNECTED"), "{answer}");
    assert_eq!(server.plain.raw("GET {videoask-auth}:schema"), "$1\r\n2");
}

#[test]
fn a_private_ca_is_named_with_the_variable_that_makes_it_trusted() {
    let answer = TlsRedis::start("IP:127.0.0.1").client("rediss", None);
    assert!(answer.contains("does not trust: set SSL_CERT_FILE"), "{answer}");
}

#[test]
fn a_certificate_of_another_host_is_not_valid() {
    let answer = TlsRedis::start("DNS:other.example.com").client("rediss", Some("ca.pem"));
    assert!(answer.contains("certificate that is not valid"), "{answer}");
}

#[test]
fn redis_to_the_tls_port_is_told_to_try_rediss() {
    let answer = TlsRedis::start("IP:127.0.0.1").client("redis", None);
    assert!(answer.contains("whether it wants rediss://"), "{answer}");
}

#[tokio::test]
#[ignore = "the client's half, started by the tests above"]
#[expect(clippy::disallowed_methods, reason = "the other half says which server")]
async fn client_half() {
    let url = StoreUrl::Redis(std::env::var(URL).unwrap().into());
    match open(&url, IfMissing::Create).await {
        Ok(opened) => {
            opened.store.counts().await.unwrap();
            println!("CONNECTED");
        }
        Err(error) => println!("{error}"),
    }
}

/// A Redis with a certificate of a private CA.
struct TlsRedis {
    plain: Redis,
    port: String,
    folder: TempDir,
    _reserved: ports::ReservedPort,
}

impl TlsRedis {
    fn start(host: &str) -> Self {
        let folder = TempDir::new().unwrap();
        certificates::make(folder.path(), host);
        let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let reserved = ports::ReservedPort::new();
        let port = reserved.number().to_string();
        let (certificate, key, ca) = (file("certificate.pem"), file("key.pem"), file("ca.pem"));
        let tls = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let plain = Redis::start_with(&[&tls[..], &["--tls-ca-cert-file", &ca, "--tls-auth-clients", "no"]].concat());
        Self { plain, port, folder, _reserved: reserved }
    }

    /// What the client's half prints.
    fn client(&self, scheme: &str, trusted: Option<&str>) -> String {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "tls::client_half", "--ignored", "--nocapture"]);
        command.env(URL, format!("{scheme}://127.0.0.1:{}", self.port)).env_remove("SSL_CERT_FILE");
        command.envs(trusted.map(|file| ("SSL_CERT_FILE", self.folder.path().join(file))));
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("running 1 test"), "{text}");
        text
    }
}
