//! `hcsync man`: the man pages, one after another on standard output, or as files.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::args::{LogArgs, ManArgs, OutputFormat, When};
use crate::cli::console::Console;
use crate::cli::exit::{Exit, Failure};
use crate::cli::man_pages::{ManPage, man_pages};

pub(in crate::cli) fn run(args: &ManArgs) -> Exit {
    let console = Console::new(OutputFormat::Text, When::Never, &LogArgs::default());
    console.exit_code(man(args, &console).map(|()| Exit::Done))
}

fn man(args: &ManArgs, console: &Console) -> Result<(), Failure> {
    let date = date()?.to_zoned(TimeZone::UTC).date();
    let pages = man_pages(date)
        .map_err(|error| Failure::from_error(Exit::NotFinished, "output", &error))?;
    match &args.out_dir {
        Some(folder) => write_files(folder, &pages).map_err(|error| {
            Failure::output(format!("{} cannot be written: {error}", folder.display()))
        }),
        None => {
            pages.iter().for_each(|page| console.print(&page.text));
            Ok(())
        }
    }
}

fn write_files(folder: &Path, pages: &[ManPage]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    pages
        .iter()
        .try_for_each(|page| std::fs::write(folder.join(&page.file_name), &page.text))
}

/// The date of the pages: now, unless a build that has to be reproducible sets another.
fn date() -> Result<Timestamp, Failure> {
    let Some(epoch) = std::env::var_os("SOURCE_DATE_EPOCH").filter(|epoch| !epoch.is_empty())
    else {
        return Ok(Timestamp::now());
    };
    let seconds = epoch.to_str().and_then(|text| text.parse().ok());
    let timestamp = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    timestamp
        .ok_or_else(|| Failure::usage("SOURCE_DATE_EPOCH is not a number of seconds since 1970"))
}
