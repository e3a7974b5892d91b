//! Certificates of a CA that this machine does not trust.

use std::{path::Path, process::Command};

/// Makes a CA (`ca.pem`) and a certificate that it issues for this host, such as `DNS:localhost` (`certificate.pem`,
/// with the key in `key.pem`).
pub fn make(folder: &Path, host: &str) {
    let name = format!("subjectAltName={host}");
    let ca = ["-subj", "/CN=private CA", "-keyout", "ca.key", "-out", "ca.pem"];
    let server = ["-subj", "/CN=server", "-keyout", "key.pem", "-out", "certificate.pem", "-CA", "ca.pem"];
    let server =
        [&server[..], &["-CAkey", "ca.key", "-addext", &name, "-addext", "basicConstraints=critical,CA:FALSE"]];
    for arguments in [ca.to_vec(), server.concat()] {
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        let made = openssl.args(["-days", "2"]).args(arguments).current_dir(folder).output();
        let made = made.expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}
