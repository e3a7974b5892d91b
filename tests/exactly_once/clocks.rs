//! One machine's clocks, as the processes on it see them. The test shifts them while they run.

use std::{
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use tempfile::NamedTempFile;
use videoask_auth::clock::Clock;

use crate::support::Program;

pub const HOUR: i64 = 60 * 60;
pub const DAY: i64 = 24 * HOUR;
/// So far ahead, a wall clock shows that the access token of a login now has expired.
pub const EXPIRED: i64 = DAY + 3 * HOUR;

/// The clocks of one machine. At first they are right.
pub struct Clocks {
    shifts: NamedTempFile,
    library: &'static Path,
}

/// Where a shift is in the file that `clocks.c` maps.
const REALTIME: u64 = 0;
const BOOTTIME: u64 = 8;
const MONOTONIC: u64 = 16;

impl Clocks {
    pub fn right() -> Self {
        let shifts = NamedTempFile::new().unwrap();
        shifts.as_file().write_all_at(&[0; 24], 0).unwrap();
        Self { shifts, library: library() }
    }

    /// Clocks whose wall clock is ahead by so many seconds.
    pub fn ahead(seconds: i64) -> Self {
        let clocks = Self::right();
        clocks.set_wall_clock_ahead(seconds);
        clocks
    }

    /// Sets the wall clock to so many seconds after the right time; negative is before.
    pub fn set_wall_clock_ahead(&self, seconds: i64) {
        self.write(REALTIME, seconds);
    }

    /// Suspends a process with its machine, for an hour by the clocks that go on meanwhile. The wall clock was
    /// `ahead` by so many seconds.
    pub async fn suspend_for_an_hour<T>(&self, process: &Program, ahead: i64, meanwhile: impl Future<Output = T>) -> T {
        process.signal("STOP");
        let clock = Clock::system();
        let result = meanwhile.await;
        self.set_wall_clock_ahead(ahead + HOUR);
        self.write(BOOTTIME, HOUR);
        let stood_still = i64::try_from(clock.monotonic().as_nanos()).unwrap();
        self.write(MONOTONIC, -stood_still);
        process.signal("CONT");
        result
    }

    fn write(&self, at: u64, shift: i64) {
        self.shifts.as_file().write_all_at(&shift.to_ne_bytes(), at).unwrap();
    }

    /// The variables under which a process has these clocks.
    pub fn variables(&self) -> [(&str, &str); 2] {
        let text = |path: &'static Path| path.to_str().unwrap();
        [("LD_PRELOAD", text(self.library)), ("CLOCKS", self.shifts.path().to_str().unwrap())]
    }
}

/// `clocks.c`, compiled once for each run of the tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (new, library) = (NamedTempFile::new_in(folder).unwrap().into_temp_path(), folder.join("clocks.so"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exactly_once/clocks.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", source, "-o"]).arg(&new);
        let output = cc.output().expect("cc, a C compiler, is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // In one step, since another run of the tests may load it at this moment.
        new.persist(&library).unwrap();
        library
    })
}
