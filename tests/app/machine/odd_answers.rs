//! Rare responses that HTTP permits, and some that it does not, from an API that sends exactly these bytes.

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Page, TestServer, api_client::keep_mode, listen};

/// What a caller gets if VideoAsk's API responds with these bytes and disconnects. The access token is that of
/// `server`.
async fn passed_on(server: &TestServer, method: Method, said: impl Into<String>) -> Page {
    let said = said.into();
    let api = listen().await;
    let address = api.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = api.accept().await {
            // The request is small and arrives in one piece.
            let _ = connection.read(&mut [0; 4096]).await;
            let _ = connection.write_all(said.as_bytes()).await;
        }
    });
    let setup = keep_mode().beside(server).var("VIDEOASK_API_URL", format!("http://{address}"));
    setup.start().await.api_client().send(method, "/proxy/odd", |request| request).await
}

#[tokio::test]
async fn an_answer_without_a_body_keeps_its_status_and_what_it_says_of_one() {
    let server = TestServer::with_ada_connected().await;
    let page =
        passed_on(&server, Method::GET, "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\ncontent-length: 5\r\n\r\n").await;
    assert_eq!((page.status, page.header("etag"), page.body.len()), (304, Some("\"a\""), 0));
    let page = passed_on(&server, Method::DELETE, "HTTP/1.1 204 No Content\r\nx-custom: stays\r\n\r\n").await;
    assert_eq!((page.status, page.header("x-custom"), page.body.len()), (204, Some("stays"), 0));
    let page = passed_on(&server, Method::HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n").await;
    assert_eq!((page.status, page.header("content-length"), page.body.len()), (200, Some("1234"), 0));
    let page = passed_on(&server, Method::HEAD, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    assert_eq!((page.status, page.header("content-length")), (200, None));
    let page = passed_on(&server, Method::GET, "HTTP/1.1 599 Out of Ideas\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(page.status, 599, "a status that nobody knows");
}

#[tokio::test]
async fn a_body_passes_however_its_end_is_told() {
    let server = TestServer::with_ada_connected().await;
    for (said, body) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nall", "all"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nal\r\n1\r\nl\r\n0\r\n\r\n", "all"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nall\r\n0\r\nset-cookie: a=b\r\n\r\n", "all"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nall\r\n0\r\n\r\n", "all"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\nall", "all"),
        ("HTTP/1.0 200 OK\r\n\r\nall to the end", "all to the end"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
        ("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nall", "all"),
    ] {
        let page = passed_on(&server, Method::GET, said).await;
        assert_eq!((page.status, page.text().as_str()), (200, body), "{said}");
        assert_eq!(page.header("set-cookie"), None, "{said}");
        assert!(page.header("content-length").is_none_or(|length| length == body.len().to_string()), "{said}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told_as_such() {
    let server = TestServer::with_ada_connected().await;
    for said in [
        "",
        "HTTP/1.1 200",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    ] {
        passed_on(&server, Method::GET, said).await.is_problem(502, "upstream-unavailable");
    }
}

#[tokio::test]
async fn headers_beyond_64_kib_do_not_pass() {
    let server = TestServer::with_ada_connected().await;
    for header in [format!("link: {}", "<".repeat(390_000)), format!("x: {}\r\ny: {0}", "x".repeat(40_000))] {
        let said = format!("HTTP/1.1 200 OK\r\n{header}\r\ncontent-length: 0\r\n\r\n");
        passed_on(&server, Method::GET, said).await.is_problem(502, "upstream-unavailable");
    }
    // Together with the status line and the other header, this is just below the limit.
    let said = format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(65_000));
    assert_eq!(passed_on(&server, Method::GET, said).await.status, 200);
}
