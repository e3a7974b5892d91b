//! The program; everything that a test would want is in the library.

/// Takes about a tenth off the CPU time of logins and pages (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    videoask_auth::cli::main()
}
