//! The program; everything that a test would want is in the library.

fn main() -> std::process::ExitCode {
    videoask_auth::cli::main()
}
