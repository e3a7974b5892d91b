//! Debian's apache2 with mod_auth_openidc, which by default keeps its sessions in shared memory.

use std::{
    fs,
    ops::Deref,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use url::Url;

use super::support::{
    process::Process,
    standin::{CLIENT_ID, CLIENT_SECRET},
};

const CONFIGURATION: &str = "apache2.conf";
const MODULES: &str = "/usr/lib/apache2/modules";
const HOME: &str = "<!doctype html><title>VideoAsk tokens</title><a href=\"/tokens\">Login on VideoAsk</a>\n";
const TOKENS: &str = "<!doctype html><title>VideoAsk tokens</title><p><!--#echo var=\"OIDC_CLAIM_email\" --></p>
<pre><!--#echo var=\"OIDC_access_token\" --></pre><pre><!--#echo var=\"OIDC_refresh_token\" --></pre>\n";

/// apache2, in the foreground, with its own configuration and folder.
pub struct Apache {
    process: Process,
    folder: TempDir,
}

/// Panics if mod_auth_openidc is missing, before anything is measured.
pub fn demand() {
    let found = Path::new(MODULES).join("mod_auth_openidc.so").exists();
    assert!(found, "apache2 is missing: on Debian, apt-get install apache2-bin libapache2-mod-auth-openidc");
}

impl Apache {
    pub fn start(port: u16, url: &Url, provider: &Url) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("the folder is ours");
        write("index.html", HOME);
        write("tokens", TOKENS);
        write(CONFIGURATION, &configuration(folder.path(), port, url, provider));
        // If root starts it, it serves as another user, who must be able to read the folder.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("the folder is ours");
        Self { process: Process::start(command(folder.path()).arg("-DFOREGROUND")), folder }
    }
}

impl Deref for Apache {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl Drop for Apache {
    fn drop(&mut self) {
        // If it were killed, its workers would keep running. With `stop`, it ends them and then itself.
        let stop = command(self.folder.path()).args(["-k", "stop"]).stderr(Stdio::null()).status();
        if stop.is_ok_and(|status| status.success()) {
            let _ = self.process.0.wait();
        }
    }
}

fn command(folder: &Path) -> Command {
    // Debian installs it in a folder that only root's `PATH` has.
    let mut command = Command::new("/usr/sbin/apache2");
    command.arg("-f").arg(folder.join(CONFIGURATION));
    command
}

fn configuration(folder: &Path, port: u16, url: &Url, provider: &Url) -> String {
    let folder = folder.display();
    // The directives for single endpoints accept https only.
    let metadata = provider.join("/.well-known/openid-configuration").expect("a URL");
    let modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "dir", "include", "auth_openidc"]
        .map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so"))
        .join("\n");
    format!(
        "{modules}
ServerName localhost
Listen 127.0.0.1:{port}
User www-data
Group www-data
PidFile {folder}/pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
LogLevel error
DocumentRoot {folder}
DirectoryIndex index.html
KeepAlive On
MaxKeepAliveRequests 0
OIDCProviderMetadataURL {metadata}
OIDCProviderTokenEndpointAuth client_secret_post
OIDCClientID {CLIENT_ID}
OIDCClientSecret {CLIENT_SECRET}
OIDCScope \"openid profile email offline_access\"
OIDCAuthRequestParams audience=https%3A%2F%2Fapi.videoask.com%2F
OIDCPKCEMethod S256
OIDCRedirectURI {url}callback
OIDCCryptoPassphrase benchmark-express-session-0123456789
OIDCPassRefreshToken On
<Location /tokens>
    AuthType openid-connect
    Require valid-user
    Options +Includes
    SetOutputFilter INCLUDES
    ForceType text/html
</Location>
<Location /callback>
    AuthType openid-connect
    Require valid-user
</Location>
"
    )
}
