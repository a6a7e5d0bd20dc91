//! Options that several verbs share.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::console::OutputArgs;
pub(super) use super::data_args::DataArgs;
use super::settings::{self, Others, SettingArgs};
use crate::data::Dataset;
use crate::engine::{EngineInfo, EngineKind, Isa, Machine, Team};
use crate::error::{Error, Result};
use crate::files::{Existing, RunFolder, run_folder};
use crate::samples::Element;
use crate::train::{Run, Settings};

/// The engine, its instruction set and its threads.
#[derive(Args)]
#[command(next_help_heading = "Machine")]
pub(super) struct EngineArgs {
    /// Compute engine. auto trains with fixed on bytes where rounding does not matter, and takes simd for everything else
    #[arg(long, default_value = "auto", value_parser = engine_parser())]
    engine: EngineKind,
    /// Instruction set of the engines simd and fixed
    #[arg(long, default_value = "auto", value_parser = isa_parser())]
    isa: IsaChoice,
    /// Number of threads [default: one for each core]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    threads: Option<usize>,
}

impl EngineArgs {
    /// The machine that the options describe.
    pub(super) fn machine(&self) -> Result<Machine> {
        Ok(Machine { engine: self.engine, isa: self.isa.0, team: self.team()? })
    }

    /// The engines to hold to the oracle: the one that `--engine` names, or for `auto` every other one that multiplies
    /// such features as they are, and can be told to use `--isa`.
    pub(super) fn kinds(&self, element: Element) -> Vec<EngineKind> {
        if self.engine != EngineKind::Auto {
            return vec![self.engine];
        }
        let mut kinds = vec![EngineKind::Simd, EngineKind::Fixed, EngineKind::Gemm];
        kinds.retain(|kind| !kind.takes_levels_of(element));
        kinds.retain(|kind| *kind != EngineKind::Gemm || self.isa.0.is_none());
        kinds
    }

    /// The engine that `--engine` names.
    pub(super) fn kind(&self) -> EngineKind {
        self.engine
    }

    /// Whether `--threads` says how many.
    pub(super) fn names_threads(&self) -> bool {
        self.threads.is_some()
    }

    /// Takes the engine of this name, unless another was chosen.
    pub(super) fn prefer(&mut self, name: &str) {
        if self.engine == EngineKind::Auto {
            self.engine = EngineKind::from_name(name).unwrap_or_default();
        }
    }

    /// The instruction set that `--isa` names.
    pub(super) fn isa(&self) -> Option<Isa> {
        self.isa.0
    }

    /// The team that `--threads` asks for.
    pub(super) fn team(&self) -> Result<Team> {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Team::new(match self.threads {
            Some(threads) => NonZeroUsize::new(threads)
                .filter(|threads| threads.get() <= MAX_THREADS)
                .ok_or_else(|| Error::setting("threads", format!("1 to {MAX_THREADS}"), threads))?,
            None => cores,
        })
    }
}

/// More threads than this are a mistake.
const MAX_THREADS: usize = 1024;

fn engine_parser() -> impl TypedValueParser<Value = EngineKind> {
    let names = PossibleValuesParser::new(EngineKind::ALL.map(EngineKind::name));
    names.map(|name| EngineKind::from_name(&name).expect("a possible value"))
}

/// An instruction set, or none: the fastest.
#[derive(Clone, Copy)]
struct IsaChoice(Option<Isa>);

fn isa_parser() -> impl TypedValueParser<Value = IsaChoice> {
    let names = PossibleValuesParser::new(["auto"].into_iter().chain(Isa::ALL.map(Isa::name)));
    names.map(|name| IsaChoice(Isa::from_name(&name)))
}

/// The settings of a training pass, and where it goes.
#[derive(Args)]
pub(super) struct TrainingArgs {
    #[command(flatten)]
    settings: SettingArgs<Others>,
    /// Run folder: where the model, the history and the report go [default: a new folder in runs/, named by date]
    #[arg(long, value_name = "DIR", help_heading = "Run folder")]
    out: Option<PathBuf>,
    /// Replace the run that the folder already holds
    #[arg(long, help_heading = "Run folder")]
    overwrite: bool,
    /// Write only the model, history.csv and run.json: no figures and no report
    #[arg(long, help_heading = "Run folder")]
    pub(super) no_report: bool,
    #[command(flatten)]
    pub(super) data: DataArgs,
    #[command(flatten)]
    pub(super) engine: EngineArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl TrainingArgs {
    /// Changes the settings of `runs` to what these options set.
    pub(super) fn apply(&self, runs: &mut [Run]) -> Result<()> {
        runs.iter_mut().try_for_each(|run| self.settings.apply(&mut run.settings))
    }

    /// Makes the default batch of `runs` as small as the training images are few, and says so.
    pub(super) fn fit(&self, runs: &mut [Run], images: usize) -> String {
        fit(runs, images, self.settings.gives("batch"))
    }

    /// The command that trains `runs` again on any machine: with the settings that the result depends on.
    pub(super) fn command(&self, verb: &str, runs: &[Run], dataset: &Dataset, engine: &EngineInfo) -> String {
        let mut words = vec!["onelayer".to_string(), verb.to_string()];
        if let Some(Run { settings: first, .. }) = runs.first() {
            let common = settings::told(first).filter(|row| !settings::differs(runs, row));
            words.extend(settings::options(first, common));
        }
        command(words, &self.data, dataset, engine)
    }

    /// Makes the run folder: `--out`, or `runs/VERB-DATE`.
    pub(super) fn folder(&self, verb: &str) -> Result<RunFolder> {
        folder(self.out.as_deref(), self.overwrite, verb)
    }
}

/// Makes the batch of `runs`, unless it was given, as small as the training images are few, and says so.
pub(super) fn fit(runs: &mut [Run], images: usize, given: bool) -> String {
    let Settings { batch, .. } = runs[0].settings;
    if given || !runs[0].settings.uses("batch") || batch <= images {
        return String::new();
    }
    runs.iter_mut().for_each(|run| run.settings.batch = images);
    format!("batch     all {images} training images, as there are fewer than {batch}\n")
}

/// The command that begins with `words`, on this data and by this engine.
pub(super) fn command(
    mut words: Vec<String>,
    data: &DataArgs,
    dataset: &Dataset,
    engine: &EngineInfo,
) -> String {
    let path = dataset.path.as_ref().map(|path| ("--data", Some(path.display().to_string())));
    let engine = ("--engine", Some(engine.name.clone()));
    for (name, value) in path.into_iter().chain(data.choices()).chain([engine]) {
        words.push(name.into());
        words.extend(value.map(|value| quoted(&value)));
    }
    words.join(" ")
}

/// `word` as a shell takes it for one.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Makes the folder `out`, or, where there is none, `runs/VERB-DATE`, which nobody else has.
pub(super) fn folder(out: Option<&Path>, overwrite: bool, verb: &str) -> Result<RunFolder> {
    if let Some(out) = out {
        let existing = if overwrite { Existing::Replace } else { Existing::Refuse };
        return RunFolder::create(out, existing).map_err(|error| match error {
            Error::Format { path, expected, found } if expected == run_folder::EMPTY => {
                Error::format(&path, format_args!("{expected}, or --overwrite"), found)
            }
            error => error,
        });
    }
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let now: String = now.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    RunFolder::create_new(Path::new("runs"), &format!("{verb}-{now}"))
}
