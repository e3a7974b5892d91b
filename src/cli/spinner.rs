//! Something that moves while one waits, on a terminal alone.

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

/// What `work` gives. What takes less than a frame is not worth a word.
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

/// A line beside whatever moves.
pub(super) fn note(line: &str) {
    let clear = if stderr().is_terminal() { CLEAR } else { "" };
    let _ = writeln!(stderr(), "{clear}{line}");
}

/// Whether there is something to wipe away; a signal drops it in the middle.
struct Drawn(bool);

impl Drawn {
    fn draw(&mut self, frame: char, what: &str) {
        self.0 = true;
        // Without a reader there is nobody to tell.
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
