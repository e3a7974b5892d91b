//! `rediss://` against a real Redis with TLS. Certificates that the system trusts come from the environment, which a
//! process cannot safely change for itself, so the client's half runs as a process of its own.

use std::process::Command;

use super::*;

const URL: &str = "STORE_CONTRACT_TLS_URL";

#[test]
fn rediss_is_served_where_the_certificate_is_trusted_and_refused_where_not() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = self_signed(folder.path());
    let reserved = redis_server::ReservedPort::new();
    let port = reserved.number().to_string();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let tls = ["--tls-port", &port, "--tls-cert-file", certificate, "--tls-key-file", key];
    let server =
        Redis::start_with(&[&tls[..], &["--tls-ca-cert-file", certificate, "--tls-auth-clients", "no"]].concat());
    let url = format!("rediss://127.0.0.1:{port}");
    assert!(client(&url, Some(certificate)), "trusted");
    assert_eq!(server.raw("GET {videoask-auth}:schema"), "$1\r\n1");
    assert!(!client(&url, None), "not trusted");
}

#[tokio::test]
#[ignore = "the client's half, started by the test above"]
#[expect(clippy::disallowed_methods, reason = "the other half says which server")]
async fn client_half() {
    let url = StoreUrl::Redis(std::env::var(URL).unwrap().into());
    open(&url, Missing::Create).await.unwrap().store.probe().await.unwrap();
}

fn client(url: &str, trusted: Option<&str>) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tls::client_half", "--ignored"]).env(URL, url).env_remove("SSL_CERT_FILE");
    command.envs(trusted.map(|file| ("SSL_CERT_FILE", file)));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("running 1 test"), "{text}");
    output.status.success()
}

fn self_signed(folder: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=redis"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-out")
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}
