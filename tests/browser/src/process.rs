//! Child processes that end when the tests end.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, Command, Stdio},
};

/// A program and everything it starts. A shell starts it in a process group, waits for the end of its own input, and
/// then kills the group. Its input is a pipe from this process, which the system closes however this process ends. So
/// nothing keeps running after a test that panics or is killed, nor because of a `static`, which Rust never drops.
pub struct ChildProcess {
    shell: Child,
    lines: BufReader<ChildStdout>,
}

const KILL_WITH_PARENT: &str = r#""$@" </dev/null & cat >/dev/null; kill -s KILL 0"#;

impl ChildProcess {
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", KILL_WITH_PARENT, "sh", program])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("every system of ours has a shell");
        let output = shell.stdout.take().expect("its output is a pipe");
        Self { shell, lines: BufReader::new(output) }
    }

    /// Reads the program's output up to a line with `mark`, and returns the rest of that line.
    pub fn rest_of_line_after(&mut self, mark: &str) -> String {
        let mut said = String::new();
        loop {
            let before = said.len();
            let read = self.lines.read_line(&mut said).expect("a program's output is text");
            assert_ne!(read, 0, "the program ended before it said {mark:?}:\n{said}");
            if let Some((_, rest)) = said[before..].split_once(mark) {
                return rest.trim().to_owned();
            }
        }
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The output ends when every process that writes to it has ended.
        let _ = self.lines.read_to_end(&mut Vec::new());
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_started_ends_with_it_even_in_a_panic() {
        let child = std::panic::catch_unwind(|| {
            let mut child = ChildProcess::start("sh", &["-c", "sleep 600 & echo child: $!; wait"]);
            std::panic::panic_any(child.rest_of_line_after("child: "));
        });
        let child = child.expect_err("it panics").downcast::<String>().expect("with the child's id");
        assert!((0..3000).any(|_| has_ended(&child)), "process {child} is still running");
    }

    /// Whether a process has ended. One that nobody has waited for is a zombie. A process closes its output shortly
    /// before it ends, so this waits a moment if it has not ended yet.
    fn has_ended(id: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let ended = state.is_empty() || state.contains(") Z ");
        if !ended {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        ended
    }
}
