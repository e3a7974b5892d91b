//! Certificates of a CA that this machine does not trust, as in a network that inspects TLS.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::support::{Deployment, Finished, Nginx, Program, certificates};

/// The stand-in behind nginx, which has a certificate of a private CA.
struct TlsInspection {
    deployment: Deployment,
    ca: PathBuf,
    _nginx: Nginx,
    _folder: TempDir,
}

impl TlsInspection {
    fn start(deployment: Deployment) -> Self {
        let folder = TempDir::new().unwrap();
        certificates::make(folder.path(), "DNS:localhost");
        let (upstream, directory) = (deployment.provider.url.to_string(), folder.path().display());
        let nginx = Nginx::start(&format!(
            "ssl_certificate {directory}/certificate.pem;\nssl_certificate_key {directory}/key.pem;\n\
             location / {{ proxy_pass {upstream}; proxy_set_header Host $http_host; }}"
        ));
        let url = format!("https://localhost:{}", nginx.port());
        let deployment =
            deployment.set("VIDEOASK_AUTH_URL", &url).set("VIDEOASK_API_URL", &url).set("ISSUER", &upstream);
        Self { deployment, ca: folder.path().join("ca.pem"), _nginx: nginx, _folder: folder }
    }

    fn check(&self, variables: &[(&str, &str)]) -> Finished {
        self.deployment.start(&["check"], variables).finish()
    }
}

#[test]
fn check_names_ssl_cert_file_for_the_login_and_for_the_api_and_it_helps() {
    let inspected = TlsInspection::start(Deployment::new());
    let finished = inspected.check(&[]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(finished.stdout.matches("UnknownIssuer").count(), 2, "{finished:?}");
    assert_eq!(finished.stdout.matches("Fix: Set the environment variable SSL_CERT_FILE").count(), 2, "{finished:?}");

    let finished = inspected.check(&[("SSL_CERT_FILE", inspected.ca.to_str().unwrap())]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

#[tokio::test]
async fn a_login_that_fails_by_it_names_ssl_cert_file_in_the_log() {
    let inspected = TlsInspection::start(Deployment::new());
    let mut server = inspected.deployment.serve();
    let browser = server.browser();
    let mut authorize = browser.get("/auth/videoask").await.location().expect("a redirect to VideoAsk");
    // The test's browser does not trust the CA, so it goes to the stand-in directly.
    authorize.set_scheme("http").unwrap();
    authorize.set_host(Some("127.0.0.1")).unwrap();
    authorize.set_port(inspected.deployment.provider.url.port()).unwrap();
    let callback = browser.approve(&browser.get(authorize.as_str()).await, "ada@example.com").await;
    let page = browser.get(server.here(callback).as_str()).await;
    assert_eq!(page.status, 502, "{}", page.text());
    let line = server.program.line(Program::stderr, "UnknownIssuer");
    assert!(line.contains("SSL_CERT_FILE"), "{line}");
    assert_eq!(server.stop().code, Some(0));
}

#[tokio::test]
async fn a_refresh_that_fails_by_it_names_ssl_cert_file_on_stderr() {
    let inspected = TlsInspection::start(Deployment::keeping());
    let token = inspected.deployment.provider.refresh_token("ada@example.com").await;
    let import = inspected.deployment.feed(&["import"], &token);
    assert_eq!(import.code, Some(4), "{import:?}");
    assert!(import.stderr.contains("SSL_CERT_FILE"), "{import:?}");
}

#[test]
fn a_dotenv_cannot_set_what_the_libraries_read_from_the_environment() {
    let deployment = Deployment::new().set("SSL_CERT_FILE", "/etc/ssl/ca.pem").set("HTTPS_PROXY", "http://127.0.0.1:9");
    let finished = deployment.run(&["check", "--offline"]);
    for name in ["SSL_CERT_FILE", "HTTPS_PROXY"] {
        let warned = finished.stdout.lines().any(|line| line.starts_with("note") && line.contains(name));
        assert!(warned, "{name}: {finished:?}");
    }
}
