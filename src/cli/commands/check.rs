use crate::cli::exit::Exit;
pub(in crate::cli) async fn run(_: &crate::cli::args::CheckArgs) -> Exit {
    Exit::Usage
}
