//! The command `login` with a real browser.

use std::{fs, net::Ipv4Addr, sync::Arc};

use browser::{start_program, with_browser};
use standin::{Options, StandIn};
use tempfile::TempDir;
use thirtyfour::{By, extensions::query::ElementQueryable};
use tokio::net::{TcpListener, TcpStream};
use videoask_auth::clock::Clock;

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("the system has a free port");
    let port = listener.local_addr().expect("a bound listener has an address").port();
    (listener, port)
}

/// Starts a stand-in that knows this callback, and returns its URL.
async fn standin(callback: String) -> String {
    let (listener, port) = listen().await;
    let (url, clock) = (format!("http://127.0.0.1:{port}"), Clock::system());
    let options = Options::new(callback, Arc::new(move || clock.now()));
    let standin = StandIn::new(options, url.parse().expect("the address makes a URL"));
    tokio::spawn(standin.serve(listener, std::future::pending()));
    url
}

#[tokio::test]
async fn a_login_ends_on_a_page_that_is_whole_although_its_server_ends_with_it() {
    // The command itself listens on this port, so the port must be free again.
    let (reserved, port) = listen().await;
    drop(reserved);
    let app_url = format!("http://localhost:{port}");
    let provider = standin(format!("{app_url}/auth/videoask/callback")).await;
    let folder = TempDir::new().expect("a folder");
    let env = folder.path().join("variables");
    let variables = [
        ("CLIENT_ID", "demo-client-id"),
        ("CLIENT_SECRET", "demo-client-secret"),
        ("APP_URL", &app_url),
        ("PORT", &port.to_string()),
        ("EXPRESS_SESSION", "test-express-session-0123456789abcdef"),
        ("VIDEOASK_AUTH_URL", &provider),
        ("VIDEOASK_API_URL", &provider),
    ];
    fs::write(&env, variables.map(|(name, value)| format!("{name}={value}\n")).concat()).expect("it is written");
    let arguments = ["login", "--no-browser", "--env-file", env.to_str().expect("it is text")];
    let mut login = tokio::task::spawn_blocking({
        let arguments = arguments.map(str::to_owned);
        move || start_program(&arguments.each_ref().map(String::as_str))
    })
    .await
    .expect("it starts");
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }

    with_browser(&[], async |driver| {
        driver.goto(format!("{app_url}/auth/videoask")).await?;
        driver.query(By::XPath("//button[normalize-space()='Approve']")).first().await?.click().await?;
        driver.query(By::XPath("//h1[normalize-space()='You are logged in']")).first().await?;
        let whole = "const [image] = document.images;
            return document.styleSheets.length === 1 && image.complete && image.naturalWidth > 0;";
        assert!(driver.execute(whole, Vec::new()).await?.convert::<bool>()?, "its files have come");
        let tokens = login.rest_of_line_after("VIDEOASK_ACCESS_TOKEN=");
        assert!(!driver.source().await?.contains(&tokens));
        Ok(())
    })
    .await;
}
