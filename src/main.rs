//! See the library's docs for the map of the crate.

fn main() -> std::process::ExitCode {
    hcsync::cli::main()
}
