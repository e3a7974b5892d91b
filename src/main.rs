//! The program; everything that a test would want is in the library.

/// A request makes some dozens of allocations, and this allocator takes a tenth off the CPU time of most.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    videoask_auth::cli::main()
}
