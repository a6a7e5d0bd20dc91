//! `onelayer fetch`: the official data, downloaded, checked and unpacked.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use super::console::{Console, OutputArgs};
use crate::data::archive::Archive;
use crate::data::fetch::{Event, Fetched, Origin, Patience, fetch};
use crate::error::{Result, one_line};

const EXAMPLES: &str = "\
Examples:
  onelayer fetch
  onelayer fetch cifar-100 --archive cifar-100-binary.tar.gz --out data";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Data set to download
    #[arg(value_enum, default_value_t = DataSet::Cifar10)]
    dataset: DataSet,
    /// Folder to unpack into; it is created if necessary
    #[arg(long, value_name = "DIR", default_value = "data")]
    out: PathBuf,
    /// Address of the archive on a mirror [default: the official address]
    #[arg(long, value_name = "URL", conflicts_with = "archive")]
    url: Option<String>,
    /// Archive that was downloaded before
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum DataSet {
    #[value(name = "cifar-10")]
    Cifar10,
    #[value(name = "cifar-100")]
    Cifar100,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Record {
    name: String,
    #[serde(flatten)]
    fetched: Fetched,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(self.output);
        let archive = match self.dataset {
            DataSet::Cifar10 => Archive::cifar_10(),
            DataSet::Cifar100 => Archive::cifar_100(),
        };
        let origin = match self.archive {
            Some(path) => Origin::File(path),
            None => Origin::Url(self.url.unwrap_or_else(|| archive.url.clone()), Patience::default()),
        };
        let bar = console.download(archive.bytes);
        // So that a download that stalls is seen to.
        bar.iter().for_each(|bar| bar.enable_steady_tick(Duration::from_secs(1)));
        let mut observe = |event: Event| match (event, &bar) {
            (Event::Here(bytes), Some(bar)) => bar.set_position(bytes),
            (Event::Here(_), None) => {}
            // What nobody can read any more is no reason to stop.
            (Event::Asking { url, attempt, problem }, bar) => {
                let problem = problem.map(|problem| format!("failed    {}\n", one_line(problem)));
                let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
                let text = format!("{}asking    {}{again}\n", problem.unwrap_or_default(), one_line(url));
                drop(match bar {
                    Some(bar) => bar.suspend(|| console.remark(&text)),
                    None => console.remark(&text),
                });
            }
        };
        let fetched = fetch(&archive, &origin, &self.out, &mut observe);
        bar.iter().for_each(|bar| bar.finish_and_clear());
        let fetched = fetched?;

        let count = fetched.files.len();
        let place = fetched.folder.display();
        console.say(&if fetched.present {
            format!("verified  {place}: {} was there, {count} files\n", archive.name)
        } else {
            format!("written   {place}: {}, {count} files\n", archive.name)
        })?;
        console.json(&Record { name: archive.name, fetched })
    }
}
