use std::{
    fs::{self, File},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
};

use tempfile::TempDir;

use super::until;

/// A program that runs or has just ended. It is killed when dropped.
pub struct Program {
    child: Child,
    outputs: TempDir,
}

/// The exit code and the output of a program that has ended. The code is `None` if a signal ended it.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    /// Starts a program. Its output goes to files, so it never waits for a reader.
    pub fn start(command: Command) -> Self {
        Self::start_with(command, "")
    }

    /// Like [`Program::start`], with a pipe as stdin.
    pub fn start_typing(mut command: Command) -> (Self, ChildStdin) {
        let outputs = TempDir::new().unwrap();
        let file = |name| File::create(outputs.path().join(name)).unwrap();
        command.stdin(Stdio::piped()).stdout(file("stdout")).stderr(file("stderr"));
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        (Self { child, outputs }, stdin)
    }

    /// Like [`Program::start`], with this input on stdin.
    pub fn start_with(mut command: Command, input: &str) -> Self {
        let outputs = TempDir::new().unwrap();
        let file = |name| File::create(outputs.path().join(name)).unwrap();
        fs::write(outputs.path().join("stdin"), input).unwrap();
        let stdin = File::open(outputs.path().join("stdin")).unwrap();
        let child = command.stdin(stdin).stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap();
        Self { child, outputs }
    }

    pub fn stdout(&self) -> String {
        fs::read_to_string(self.outputs.path().join("stdout")).unwrap()
    }

    pub fn stderr(&self) -> String {
        fs::read_to_string(self.outputs.path().join("stderr")).unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The arguments as every user of the machine may read them.
    pub fn arguments(&self) -> String {
        fs::read_to_string(format!("/proc/{}/cmdline", self.child.id())).unwrap()
    }

    /// The first complete line of one of its outputs that contains `text`. Waits until there is one.
    pub fn line(&mut self, output: fn(&Self) -> String, text: &str) -> String {
        until(text, || {
            let ended = self.child.try_wait().unwrap();
            let printed = output(self);
            let whole = printed.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            let found = whole.into_iter().find(|line| line.contains(text)).map(str::to_owned);
            assert!(
                found.is_some() || ended.is_none(),
                "it ended ({ended:?}) before it said {text}: {}",
                self.stderr()
            );
            found
        })
    }

    /// Sends a signal by its name, as `kill` knows it.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until the program ends.
    pub fn ended(&mut self) -> ExitStatus {
        until("the program's end", || self.child.try_wait().unwrap())
    }

    /// Waits until the program ends, and returns its exit code and output.
    pub fn finish(mut self) -> Finished {
        let code = self.ended().code();
        Finished { code, stdout: self.stdout(), stderr: self.stderr() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
