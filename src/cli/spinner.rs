//! A spinner on a terminal while a command waits.

use std::{
    io::{IsTerminal, Write, stderr},
    pin::pin,
    time::Duration,
};

use crate::clock::Clock;

const FRAMES: [char; 4] = ['|', '/', '-', '\\'];
const FRAME: Duration = Duration::from_millis(120);
/// Carriage return, and "erase to the end of the line" of ECMA-48.
const CLEAR: &str = "\r\x1b[K";

/// Runs `work`, and shows the spinner if it takes longer than one frame.
pub(super) async fn during<T>(what: &str, work: impl Future<Output = T>) -> T {
    if !stderr().is_terminal() {
        return work.await;
    }
    let clock = Clock::system();
    let mut work = pin!(work);
    let mut drawn = Drawn(false);
    for frame in FRAMES.iter().cycle() {
        if let Some(done) = clock.timeout(FRAME, &mut work).await {
            return done;
        }
        drawn.draw(*frame, what);
    }
    unreachable!("a cycle has no end")
}

/// The text beside the spinner.
pub(super) fn note(line: &str) {
    let clear = if stderr().is_terminal() { CLEAR } else { "" };
    let _ = writeln!(stderr(), "{clear}{line}");
}

/// Whether there is a line to erase. A signal may drop this in the middle.
struct Drawn(bool);

impl Drawn {
    fn draw(&mut self, frame: char, what: &str) {
        self.0 = true;
        // If stderr is closed, nobody reads this.
        let _ = write!(stderr(), "{CLEAR}{frame} {what} ...");
        let _ = stderr().flush();
    }
}

impl Drop for Drawn {
    fn drop(&mut self) {
        if self.0 {
            let _ = write!(stderr(), "{CLEAR}");
        }
    }
}
