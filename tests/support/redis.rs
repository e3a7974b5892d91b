//! A real redis-server for one test, on a reserved port and with a temporary folder. It is killed when dropped.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use secrecy::SecretString;
use tempfile::TempDir;
use videoask_auth::config::StoreUrl;

use super::ports::ReservedPort;

/// A running (or just stopped) server.
pub struct Redis {
    port: u16,
    folder: TempDir,
    options: Vec<String>,
    child: Child,
    _reserved: ReservedPort,
}

impl Redis {
    /// Starts a server that keeps its data over a restart. It writes each command to its file before it replies, but
    /// does not call fsync: that would matter only in a power failure, and a call on a busy disk takes longer than the
    /// store's time limits.
    pub fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "no"])
    }

    /// Starts a server with these options on its command line.
    pub fn start_with(options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let (reserved, folder) = (ReservedPort::new(), TempDir::new().unwrap());
        let port = reserved.number();
        let mut child = spawn(port, &folder, &options);
        wait_until_it_answers(port, &folder, &mut child);
        Self { port, folder, options, child, _reserved: reserved }
    }

    /// Starts a Sentinel.
    pub fn sentinel() -> Self {
        Self::start_with(&["--sentinel"])
    }

    /// The URL with this scheme and this login, which is empty or ends with `@`.
    pub fn url_as(&self, scheme: &str, login: &str) -> StoreUrl {
        url(&format!("{scheme}://{login}127.0.0.1:{}", self.port))
    }

    /// A connection that stays open. Tries again while the server refuses it, since earlier connections may still be
    /// closing.
    pub fn hold_connection(&self) -> TcpStream {
        for _ in 0..6_000 {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
            let mut reply = [0; 7];
            let asked = stream.write_all(b"PING\r\n").and_then(|()| stream.read_exact(&mut reply));
            if asked.is_ok() && &reply == b"+PONG\r\n" {
                return stream;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server accepts no connection");
    }

    /// A replica of this server that has received a full copy.
    pub fn replica(&self) -> Self {
        // By default, Redis waits five seconds for more replicas before it sends the first copy.
        assert_eq!(self.raw("CONFIG SET repl-diskless-sync-delay 0"), "+OK");
        let replica = Self::start_with(&["--replicaof", &format!("127.0.0.1 {}", self.port)]);
        self.wait_for_replicas(1);
        replica
    }

    /// Waits until this many replicas are connected and online.
    pub fn wait_for_replicas(&self, count: usize) {
        for _ in 0..6_000 {
            let info = self.raw("INFO replication");
            if info.contains(&format!("connected_slaves:{count}")) && info.matches("state=online").count() == count {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{count} replicas: {}", self.raw("INFO replication"));
    }

    /// The URL, with `password` if one is given.
    pub fn url(&self, password: Option<&str>) -> StoreUrl {
        url(&self.url_text(password))
    }

    /// The same URL as a value of `STORE_URL`.
    pub fn url_text(&self, password: Option<&str>) -> String {
        let login = password.map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{login}127.0.0.1:{}", self.port)
    }

    /// The URL of this server with TLS, which it does not speak.
    pub fn tls_url(&self) -> StoreUrl {
        url(&format!("rediss://127.0.0.1:{}", self.port))
    }

    /// The name of this server in error messages.
    pub fn name(&self) -> String {
        format!("Redis at 127.0.0.1:{}", self.port)
    }

    /// Sends one command (words without spaces) on a connection of its own, and returns the raw reply.
    pub fn raw(&self, command: &str) -> String {
        self.exchange(&format!("{command}\r\n"))
    }

    /// Like [`Redis::raw`], after logging in. The reply to the login comes first.
    pub fn raw_with(&self, password: &str, command: &str) -> String {
        self.exchange(&format!("AUTH {password}\r\n{command}\r\n"))
    }

    /// Records every command that the server runs from now on, including those of scripts.
    pub fn monitor(&self) -> Monitor {
        let mut stream = BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap());
        stream.get_ref().set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.get_mut().write_all(b"MONITOR\r\n").unwrap();
        let mut reply = String::new();
        stream.read_line(&mut reply).unwrap();
        assert_eq!(reply, "+OK\r\n");
        Monitor(stream)
    }

    fn exchange(&self, commands: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(format!("{commands}QUIT\r\n").as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply.strip_suffix("+OK\r\n").unwrap_or(&reply).trim_end().to_owned()
    }

    /// Sends SIGKILL: the server ends as in a crash.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the server again on the same port, with the same data.
    pub fn revive(&mut self) {
        self.child = spawn(self.port, &self.folder, &self.options);
        wait_until_it_answers(self.port, &self.folder, &mut self.child);
    }

    /// Sends SIGSTOP: the system still accepts connections, but the server does not answer.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Sends SIGCONT: the server continues after [`Redis::freeze`].
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

/// A connection in the state MONITOR, to which Redis writes every command that it runs.
pub struct Monitor(BufReader<TcpStream>);

impl Monitor {
    /// The commands up to now, each as Redis writes it.
    pub fn commands(mut self, server: &Redis) -> Vec<String> {
        const LAST: &str = "the-last-command";
        server.raw(&format!("ECHO {LAST}"));
        let mut commands = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the server hung up");
            if line.contains(LAST) {
                return commands;
            }
            commands.push(line.trim_end().to_owned());
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have been killed by the test already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn url(url: &str) -> StoreUrl {
    StoreUrl::Redis(SecretString::from(url.to_owned()))
}

fn pid_file(folder: &TempDir) -> PathBuf {
    folder.path().join("redis.pid")
}

fn spawn(port: u16, folder: &TempDir, options: &[String]) -> Child {
    let pid_file = pid_file(folder);
    // A server that was killed has left its file.
    let _ = std::fs::remove_file(&pid_file);
    let mut command = Command::new("redis-server");
    if options.iter().any(|option| option == "--sentinel") {
        // A Sentinel needs a configuration file, into which it writes its state.
        let configuration = folder.path().join("sentinel.conf");
        std::fs::write(&configuration, "").unwrap();
        command.arg(configuration);
    } else {
        command.args(["--save", ""]);
    }
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
        .arg(folder.path())
        .arg("--pidfile")
        .arg(pid_file)
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

/// Waits until the server answers. The demand for a password is an answer, too.
fn wait_until_it_answers(port: u16, folder: &TempDir, child: &mut Child) {
    for _ in 0..6000 {
        assert!(child.try_wait().unwrap().is_none(), "redis-server ended at its start");
        if pid_file(folder).exists()
            && ping(port).is_ok_and(|reply| reply.starts_with("+PONG") || reply.starts_with("-NOAUTH"))
        {
            return;
        }
        // This waits for another process, whose time a test cannot control.
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("redis-server does not answer");
}

fn ping(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"PING\r\n")?;
    let mut reply = [0; 64];
    let length = stream.read(&mut reply)?;
    Ok(String::from_utf8_lossy(&reply[..length]).into_owned())
}
