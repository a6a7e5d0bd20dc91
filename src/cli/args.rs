//! Options that several verbs share.

use std::env;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::console::{self, OutputArgs};
use super::settings::{self, SettingArgs};
use crate::data::layout;
use crate::data::{Dataset, Excerpt, Labels, Part, Source, SplitFiles, Validation};
use crate::engine::{EngineInfo, EngineKind, Isa, Machine, Team};
use crate::error::{Error, Result};
use crate::files::{Existing, RunFolder, run_folder};
use crate::model::Model;
use crate::train::Run;

/// The seed of the built-in synthetic data set.
const SYNTHETIC_SEED: u64 = 0;

/// The data set, and which of its files make which split.
#[derive(Args)]
#[command(next_help_heading = "Data")]
pub(super) struct DataArgs {
    /// Folder of the data set: CIFAR-10 or CIFAR-100 in the binary or the Python version, or NumPy arrays (.npy)
    /// [default: the environment's ONELAYER_DATA, else data/cifar-10-batches-bin or data/cifar-10-batches-py if that
    /// folder exists, else the built-in synthetic data set]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Training files in the data folder, separated by commas [default: the usual one of the format]
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    train_files: Option<Vec<String>>,
    /// Validation files in the data folder, separated by commas [default: the usual one of the format; without one,
    /// the last fifth of the training images is held out]
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    validation_files: Option<Vec<String>>,
    /// Hold out the last N training images for validation
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "validation_files")]
    validation_images: Option<usize>,
    /// Test files in the data folder, separated by commas [default: the usual one of the format]
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    test_files: Option<Vec<String>>,
    /// Which labels of CIFAR-100 to use: 100 fine classes or 20 coarse ones [default: fine]
    #[arg(long, value_parser = labels_parser())]
    labels: Option<Labels>,
}

impl DataArgs {
    /// Opens, maps and checks the data.
    pub(super) fn open(&self) -> Result<Dataset> {
        let dataset = Dataset::open(&self.source(), &self.files())?;
        console::check_stdout()?;
        Ok(dataset)
    }

    /// The same, of one split alone. What names no classes has those of `model`.
    pub(super) fn open_part(&self, part: Part, model: &Model) -> Result<Excerpt> {
        let excerpt = Excerpt::open(&self.source(), &self.files(), part, Some(&model.classes))?;
        console::check_stdout()?;
        Ok(excerpt)
    }

    fn files(&self) -> SplitFiles {
        SplitFiles {
            train: self.train_files.clone(),
            validation: match self.validation_images {
                Some(images) => Some(Validation::Images(images)),
                None => self.validation_files.clone().map(Validation::Files),
            },
            test: self.test_files.clone(),
            labels: self.labels.unwrap_or_default(),
        }
    }

    /// The same, of another folder.
    pub(super) fn within(self, folder: &Path) -> Self {
        Self { data: Some(folder.to_path_buf()), ..self }
    }

    /// The options that choose among the data, where they were given.
    fn choices(&self) -> impl Iterator<Item = (&'static str, String)> {
        let list = |names: &Option<Vec<String>>| names.as_ref().map(|names| names.join(","));
        let options = [
            ("--train-files", list(&self.train_files)),
            ("--validation-files", list(&self.validation_files)),
            ("--validation-images", self.validation_images.map(|images| images.to_string())),
            ("--test-files", list(&self.test_files)),
            ("--labels", self.labels.map(|labels| labels.name().to_string())),
        ];
        options.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    fn source(&self) -> Source {
        // A variable that is empty is as good as none.
        let named = || env::var_os("ONELAYER_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let standard = [layout::FOLDER, layout::PYTHON_FOLDER].map(|folder| Path::new("data").join(folder));
        let found = || standard.into_iter().find(|folder| folder.is_dir());
        let folder = self.data.clone().or_else(named).or_else(found);
        folder.map_or(Source::Synthetic(SYNTHETIC_SEED), Source::Folder)
    }
}

fn labels_parser() -> impl TypedValueParser<Value = Labels> {
    let names = PossibleValuesParser::new(Labels::ALL.map(Labels::name));
    names.map(|name| Labels::from_name(&name).expect("a possible value"))
}

/// The engine, its instruction set and its threads.
#[derive(Args)]
#[command(next_help_heading = "Machine")]
pub(super) struct EngineArgs {
    /// Compute engine
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

    /// The engines to hold to the oracle: the one that `--engine` names, or for `auto` every other one that can be
    /// told to use `--isa`.
    pub(super) fn kinds(&self) -> Vec<EngineKind> {
        match (self.engine, self.isa.0) {
            (EngineKind::Auto, None) => vec![EngineKind::Simd, EngineKind::Gemm],
            (EngineKind::Auto, Some(_)) => vec![EngineKind::Simd],
            (kind, _) => vec![kind],
        }
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
    settings: SettingArgs<false>,
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

    /// The command that trains `runs` again on any machine: with the settings that the result depends on.
    pub(super) fn command(&self, verb: &str, runs: &[Run], dataset: &Dataset, engine: &EngineInfo) -> String {
        let mut words = vec!["onelayer".to_string(), verb.to_string()];
        words.extend(settings::options(runs));
        let mut option = |name: &str, value: String| words.extend([name.to_string(), quoted(&value)]);
        if let Some(path) = &dataset.path {
            option("--data", path.display().to_string());
        }
        self.data.choices().for_each(|(name, value)| option(name, value));
        option("--engine", engine.name.clone());
        words.join(" ")
    }

    /// Makes the run folder: `--out`, or `runs/VERB-DATE`.
    pub(super) fn folder(&self, verb: &str) -> Result<RunFolder> {
        folder(self.out.as_deref(), self.overwrite, verb)
    }
}

/// `word` as a shell takes it for one.
fn quoted(word: &str) -> String {
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
