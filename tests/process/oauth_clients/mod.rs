//! The token endpoint with OAuth clients of four languages, none of which was written for this app. `scripts/python`
//! installs those of Python, and `npm ci` in this folder those of Node.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use oauth2::{
    AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RequestTokenError, TokenResponse, TokenUrl,
    basic::BasicClient,
};

use crate::{
    keys::until_status,
    support::{Deployment, ListeningAddress, RecordingProxy, Server, browser},
};

/// It has characters that some clients percent-encode and others do not.
const KEY: &str = "b+c/d~0123456789-abcdefghijk.+/==";
const ADA: &str = "ada@example.com";
const WITH_PLUS: &str = "ada+videoask@example.com";

/// A server whose `APP_URL` is the address of the recording proxy in front of it. Two accounts of Ada are connected,
/// and Grace is listed but not connected.
struct TestServer {
    deployment: Deployment,
    server: Server,
    app: RecordingProxy,
}

impl TestServer {
    async fn start() -> Self {
        let front = ListeningAddress::listen();
        let users = format!("{ADA},{WITH_PLUS},grace@example.com");
        let deployment = Deployment::keeping().set("APP_URL", front.url.as_str()).set("API_KEY", KEY);
        let deployment = deployment.set("ALLOWED_USERS", &users);
        for user in [ADA, WITH_PLUS] {
            deployment.connect(user).await;
        }
        let server = deployment.serve();
        let app = front.lead_to(&server.url);
        Self { deployment, server, app }
    }

    fn app(&self) -> &str {
        self.app.url.as_str().trim_end_matches('/')
    }

    fn provider(&self) -> &str {
        self.deployment.provider.url.as_str().trim_end_matches('/')
    }

    /// What a program of this folder prints when it gets these credentials.
    fn run(&self, client: &Client, id: &str, secret: &str) -> String {
        let mut command = Command::new(&client.interpreter);
        command.arg(folder().join(client.program)).env_clear().envs([
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("APP_URL", self.app()),
            ("API_URL", self.provider()),
            ("CLIENT_ID", id),
            ("CLIENT_SECRET", secret),
            // The libraries insist on https, even on a loopback host.
            ("AUTHLIB_INSECURE_TRANSPORT", "1"),
            ("OAUTHLIB_INSECURE_TRANSPORT", "1"),
        ]);
        let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", client.program));
        assert!(output.status.success(), "{}: {output:?}", client.program);
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A program of this folder, which prints what it got for each way to send the credentials.
struct Client {
    interpreter: PathBuf,
    program: &'static str,
    /// The ways to send the credentials, in the program's order.
    methods: &'static [&'static str],
}

impl Client {
    fn all() -> [Self; 5] {
        let python = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../python/bin/python3");
        assert!(python.exists(), "run scripts/python first: it makes the Python for the tests");
        assert!(folder().join("node_modules").exists(), "run `npm ci` in {} first", folder().display());
        let client = |interpreter: &Path, program, methods| Self { interpreter: interpreter.into(), program, methods };
        let (node, shell) = (Path::new("node"), Path::new("bash"));
        [
            client(&python, "with_requests_oauthlib.py", &["basic", "post"]),
            client(&python, "with_authlib.py", &["basic", "post"]),
            client(node, "with_openid_client.mjs", &["basic", "post"]),
            client(node, "with_simple_oauth2.mjs", &["basic", "basic", "post"]),
            client(shell, "with_curl.sh", &["basic", "post"]),
        ]
    }

    fn prints(&self, result: &str) -> String {
        self.methods.iter().flat_map(|method| [*method, " ", result, "\n"]).collect()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/oauth_clients")
}

#[tokio::test]
async fn every_client_gets_the_token_of_the_user_that_its_client_id_names() {
    let test_server = TestServer::start().await;
    let added = test_server.deployment.add_key(&["limited", "--user", WITH_PLUS]);
    until_status(&test_server.server, &added, "/api/openapi.json", 200).await;
    for client in Client::all() {
        for (id, secret, owner) in [("default", KEY, ADA), (WITH_PLUS, KEY, WITH_PLUS), (WITH_PLUS, &added, WITH_PLUS)]
        {
            assert_eq!(test_server.run(&client, id, secret), client.prints(owner), "{} as {id}", client.program);
        }
    }
    let log = test_server.server.program.stderr();
    for key in ["env-1", "limited"] {
        let line = format!("method=POST route=\"/oauth/token\" key=\"{key}\" status=200");
        assert!(log.contains(&line), "{line}: {log}");
    }
    let heard = test_server.app.heard();
    assert!(heard.contains("\"access_token\"") && !heard.contains("\"refresh_token\""));
}

#[tokio::test]
async fn every_client_understands_why_it_gets_no_token() {
    let test_server = TestServer::start().await;
    let proxy_only = test_server.deployment.add_key(&["proxy-only", "--proxy-only"]);
    until_status(&test_server.server, &proxy_only, "/api/openapi.json", 200).await;
    for client in Client::all() {
        for (id, secret, error) in [
            ("default", "another-key-than-the-app-has-0123456789", "invalid_client"),
            ("eve@example.com", KEY, "invalid_client"),
            ("grace@example.com", KEY, "invalid_grant"),
            ("default", &proxy_only, "unauthorized_client"),
        ] {
            assert_eq!(test_server.run(&client, id, secret), client.prints(error), "{} as {id}", client.program);
        }
    }
}

#[tokio::test]
async fn the_oauth2_crate_gets_the_token_of_the_user_that_its_client_id_names() {
    let test_server = TestServer::start().await;
    let token = async |id: &str, secret: &str, auth_type| {
        let client = BasicClient::new(ClientId::new(id.to_owned()))
            .set_client_secret(ClientSecret::new(secret.to_owned()))
            .set_auth_type(auth_type)
            .set_token_uri(TokenUrl::new(format!("{}/oauth/token", test_server.app())).unwrap());
        client.exchange_client_credentials().request_async(&send).await
    };
    for auth_type in [AuthType::BasicAuth, AuthType::RequestBody] {
        for (id, owner) in [("default", ADA), (WITH_PLUS, WITH_PLUS)] {
            let response = token(id, KEY, auth_type.clone()).await.unwrap();
            assert!(response.expires_in().is_some() && response.refresh_token().is_none());
            let of = test_server.deployment.provider.owner_of(response.access_token().secret()).await;
            assert_eq!(of.as_deref(), Some(owner));
        }
        let Err(RequestTokenError::ServerResponse(error)) = token("grace@example.com", KEY, auth_type).await else {
            panic!("Grace is not connected");
        };
        assert_eq!(error.error().as_ref(), "invalid_grant");
        assert_eq!(error.error_uri().map(String::as_str), Some(&*format!("{}/auth/videoask", test_server.app())));
    }
}

async fn send(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let response = browser::client().execute(request.try_into()?).await?;
    let mut answer = HttpResponse::new(Vec::new());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    *answer.body_mut() = response.bytes().await?.to_vec();
    Ok(answer)
}
