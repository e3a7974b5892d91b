//! A real redis-server of one test's own: a reserved port, a temporary folder, gone when dropped.

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
    /// Starts a server that keeps its data for a restart. It writes before it replies, and does not wait for the disk:
    /// that matters in a power failure only, and a busy disk would take longer than the store's time limits.
    pub fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "no"])
    }

    /// Starts a server with options of its command line.
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

    /// The URL of another scheme or with a login.
    pub fn url_as(&self, scheme: &str, login: &str) -> StoreUrl {
        url(&format!("{scheme}://{login}127.0.0.1:{}", self.port))
    }

    /// A connection that stays open. It is tried again while those before it are still being closed.
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

    /// A replica of this server that is in step with it.
    pub fn replica(&self) -> Self {
        // By default the first copy waits five seconds for more replicas.
        assert_eq!(self.raw("CONFIG SET repl-diskless-sync-delay 0"), "+OK");
        let replica = Self::start_with(&["--replicaof", &format!("127.0.0.1 {}", self.port)]);
        self.wait_for_replicas(1);
        replica
    }

    /// Waits until so many replicas are connected, and all of them in step.
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

    /// The same as a value of `STORE_URL`.
    pub fn url_text(&self, password: Option<&str>) -> String {
        let login = password.map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{login}127.0.0.1:{}", self.port)
    }

    /// The URL of this server with TLS, which it does not speak.
    pub fn tls_url(&self) -> StoreUrl {
        url(&format!("rediss://127.0.0.1:{}", self.port))
    }

    /// As errors name it.
    pub fn name(&self) -> String {
        format!("Redis at 127.0.0.1:{}", self.port)
    }

    /// Sends one command (words without spaces) on a connection of its own and gives back the raw reply.
    pub fn raw(&self, command: &str) -> String {
        self.exchange(&format!("{command}\r\n"))
    }

    /// As [`Redis::raw`], after logging in; the reply to that comes first.
    pub fn raw_with(&self, password: &str, command: &str) -> String {
        self.exchange(&format!("AUTH {password}\r\n{command}\r\n"))
    }

    /// From now on, every command that the server runs, those of scripts included.
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

    /// SIGKILL, as by a crash.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again on the same port, with the same data.
    pub fn revive(&mut self) {
        self.child = spawn(self.port, &self.folder, &self.options);
        wait_until_it_answers(self.port, &self.folder, &mut self.child);
    }

    /// SIGSTOP: the port still accepts, and nobody answers.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

/// A connection that Redis tells what it runs.
pub struct Monitor(BufReader<TcpStream>);

impl Monitor {
    /// The commands up to now, one a line, as Redis writes them.
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
    // One that was killed has left it.
    let _ = std::fs::remove_file(&pid_file);
    let mut command = Command::new("redis-server");
    if options.iter().any(|option| option == "--sentinel") {
        // A Sentinel writes its state there.
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

/// Waits until it answers; a refusal is an answer too.
fn wait_until_it_answers(port: u16, folder: &TempDir, child: &mut Child) {
    for _ in 0..6000 {
        assert!(child.try_wait().unwrap().is_none(), "redis-server ended at its start");
        if pid_file(folder).exists()
            && ping(port).is_ok_and(|reply| reply.starts_with("+PONG") || reply.starts_with("-NOAUTH"))
        {
            return;
        }
        // The harness's own wait for a process; no time of the program under test passes.
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
