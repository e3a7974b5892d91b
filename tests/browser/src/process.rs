//! Programs that end when we do.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, Command, Stdio},
};

/// A program and everything it starts. A shell keeps it: when our end of the shell's input closes, and it closes
/// however we end, the shell kills its whole process group. So nothing is left behind, not by a panicking test, not
/// by a killed one, and not by a `static`, which Rust never drops.
pub(crate) struct Kept {
    shell: Child,
    lines: BufReader<ChildStdout>,
}

const KEEPER: &str = r#""$@" </dev/null & cat >/dev/null; kill -s KILL 0"#;

impl Kept {
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", KEEPER, "sh", program])
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

    /// What stands behind `mark` in the program's output, up to the end of that line.
    pub(crate) fn line_with(&mut self, mark: &str) -> String {
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

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The end of its output is the end of all that shared it.
        let _ = self.lines.read_to_end(&mut Vec::new());
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kept_program_started_ends_with_it_even_in_a_panic() {
        let child = std::panic::catch_unwind(|| {
            let mut kept = Kept::start("sh", &["-c", "sleep 600 & echo child: $!; wait"]);
            std::panic::panic_any(kept.line_with("child: "));
        });
        let child = child.expect_err("it panics").downcast::<String>().expect("with the child's id");
        assert!((0..3000).any(|_| has_ended(&child)), "process {child} lives on");
    }

    /// One that nobody has waited for stays in the table of processes as a zombie. Looked at again after a moment,
    /// since a process closes its output shortly before it is one.
    fn has_ended(id: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let ended = state.is_empty() || state.contains(") Z ");
        if !ended {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        ended
    }
}
