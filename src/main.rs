//! See the library's docs for the map of the crate.

/// Planning makes and drops a text for every cell: a sixth of its time less than with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    hcsync::cli::main()
}
