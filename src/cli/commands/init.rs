use crate::cli::exit::Exit;
pub(in crate::cli) fn run(_: &crate::cli::args::InitArgs) -> Exit {
    Exit::Usage
}
