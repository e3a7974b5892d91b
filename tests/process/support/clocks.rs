//! One machine's clocks, as the processes on it see them. The test shifts them while they run.

use std::{
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use tempfile::NamedTempFile;

/// How many seconds the wall clock must be ahead, so that the access token of a login now has expired.
pub const EXPIRED: i64 = 27 * 60 * 60;

/// The clocks of one machine. At first they are right.
pub struct Clocks {
    shifts: NamedTempFile,
    library: &'static Path,
}

/// The offset of the wall clock's shift in the file that `clocks.c` maps, in bytes.
const REALTIME: u64 = 0;

impl Clocks {
    pub fn right() -> Self {
        let shifts = NamedTempFile::new().unwrap();
        shifts.as_file().write_all_at(&[0; 24], 0).unwrap();
        Self { shifts, library: library() }
    }

    /// By how many seconds the wall clock is ahead.
    pub fn wall_clock_ahead(&self) -> i64 {
        let mut shift = [0; 8];
        self.shifts.as_file().read_exact_at(&mut shift, REALTIME).unwrap();
        i64::from_ne_bytes(shift)
    }

    /// Sets the wall clock this many seconds ahead of the right time. A negative number sets it behind.
    pub fn set_wall_clock_ahead(&self, seconds: i64) {
        self.write(REALTIME, seconds);
    }

    /// Writes the shift of the clock at this offset of the file.
    pub fn write(&self, at: u64, shift: i64) {
        self.shifts.as_file().write_all_at(&shift.to_ne_bytes(), at).unwrap();
    }

    /// The environment variables that give a process these clocks.
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
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/process/support/clocks.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", source, "-o"]).arg(&new);
        let output = cc.output().expect("cc, a C compiler, is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // The file appears in one step, since another run of the tests may load it at this moment.
        new.persist(&library).unwrap();
        library
    })
}
