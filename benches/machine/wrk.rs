//! Load from `wrk`.

use std::{io::Write, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use tempfile::NamedTempFile;
use url::Url;

/// `wrk`, which is known to be installed.
pub struct Wrk {
    connections: u32,
}

/// The request that is sent repeatedly.
pub struct Request {
    pub url: Url,
    /// The name and value of the header with the credential.
    pub credential: (&'static str, String),
    /// The fields of a POST; without any, it is a GET.
    pub form: Option<&'static str>,
}

/// The result of one run of `wrk`.
pub struct Sample {
    pub requests: u64,
    pub per_second: f64,
    /// The 50th percentile of the response time, in milliseconds.
    pub p50: f64,
    /// The 99th percentile of the response time, in milliseconds.
    pub p99: f64,
}

impl Request {
    /// A GET with an API key.
    pub fn get(url: Url, key: &str) -> Self {
        Self { url, credential: ("Authorization", format!("Bearer {key}")), form: None }
    }

    /// A token request of RFC 6749, 4.4, for the default user.
    pub fn client_credentials(url: Url, key: &str) -> Self {
        let authorization = format!("Basic {}", STANDARD.encode(format!("default:{key}")));
        Self { url, credential: ("Authorization", authorization), form: Some("grant_type=client_credentials") }
    }

    /// A GET by a browser with these cookies.
    pub fn page(url: Url, cookies: &str) -> Self {
        Self { url, credential: ("Cookie", cookies.to_owned()), form: None }
    }
}

impl Wrk {
    pub fn find(connections: u32) -> Self {
        let found = Command::new("wrk").arg("--version").output();
        assert!(found.is_ok(), "wrk is missing: on Debian, apt-get install wrk");
        Self { connections }
    }

    /// Sends requests for this many seconds. Each connection sends the next one as soon as it has a response.
    pub fn ask(&self, seconds: u64, request: &Request) -> Sample {
        let (url, (name, value)) = (&request.url, &request.credential);
        let mut script = NamedTempFile::new().expect("a temporary file");
        if let Some(form) = request.form {
            let post = format!(
                "wrk.method = 'POST'\nwrk.body = '{form}'\nwrk.headers['Content-Type'] = 'application/x-www-form-urlencoded'\n"
            );
            script.write_all(post.as_bytes()).expect("it can be written");
        }
        let output = Command::new("wrk")
            .args(["--threads", "1", "--latency", "--header", &format!("{name}: {value}")])
            .arg("--script")
            .arg(script.path())
            .args(["--connections", &self.connections.to_string(), "--duration", &format!("{seconds}s"), url.as_str()])
            .output()
            .expect("wrk was found");
        let told = String::from_utf8(output.stdout).expect("text");
        for trouble in ["Non-2xx", "Socket errors"] {
            assert!(!told.contains(trouble), "requests failed at {url}:\n{told}");
        }
        Sample::read(&told).unwrap_or_else(|| panic!("wrk at {url} tells something else:\n{told}"))
    }

    /// Sends requests until there were at least so many, or for so many seconds. Returns how many there were.
    pub fn until(&self, requests: u64, longest: u64, request: &Request) -> u64 {
        let (mut asked, mut seconds) = (0, 0);
        while asked < requests && seconds < longest {
            asked += self.ask(2, request).requests;
            seconds += 2;
        }
        asked
    }
}

impl Sample {
    fn read(told: &str) -> Option<Self> {
        let after = |name: &str| told.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
        let requests = told.lines().find_map(|line| line.split_once(" requests in "))?.0.trim().parse().ok()?;
        Some(Self {
            requests,
            per_second: after("Requests/sec:")?.parse().ok()?,
            p50: milliseconds(after("50%")?)?,
            p99: milliseconds(after("99%")?)?,
        })
    }
}

/// `wrk` writes `812.00us`, `1.20ms` or `1.20s`.
fn milliseconds(text: &str) -> Option<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    Some(number.parse::<f64>().ok()? * unit)
}
