//! `onelayer bench`: what this machine can do, and how much of it each engine does.

mod tables;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use self::tables::{compared, csv, machine, noise, table};
use super::args::{self, DataArgs, EngineArgs};
use super::console::{self, Console, OutputArgs};
use super::text;
use crate::bench::roofline::{self, Budget};
use crate::bench::{self, BenchRecord, Comparison, Contender, Files, Oracle, Task, Workload};
use crate::data::Dataset;
use crate::data::random::RandomShape;
use crate::engine::{EngineKind, Isa, Team};
use crate::error::{Error, Result};
use crate::files::regular;
use crate::machine::MachineRecord;
use crate::model::{Model, Parameters, Standardization};
use crate::objective::Loss;
use crate::report;
use crate::samples::Element;
use crate::train::record::DatasetRecord;
use crate::train::splits::Held;
use crate::train::{Settings, Splits};

/// The names of the record in its folder, of its table, and of the model that the task "accuracy" saves.
const RECORD_FILE: &str = "bench.json";
const TABLE_FILE: &str = "bench.csv";
const MODEL_FILE: &str = "model.safetensors";

const EXAMPLES: &str = "\
Examples:
  onelayer bench --quick
  onelayer bench --shape 50000x768x100 --element f32
  onelayer bench --engine simd --compare runs/before/bench.json";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Take about 5 seconds: fewer repetitions, on all threads only, one whole run
    #[arg(long, conflicts_with = "all")]
    quick: bool,
    /// Also measure portable code and the reference engine, which takes minutes
    #[arg(long)]
    all: bool,
    /// Compare with an earlier record (bench.json)
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Random data instead of files: SAMPLESxFEATURESxCLASSES, as in 50000x768x100
    #[arg(long, value_name = "NxDxK", conflicts_with = "data")]
    shape: Option<RandomShape>,
    /// What random features are stored as
    #[arg(long, requires = "shape", default_value = "u8", value_parser = element_parser())]
    element: Element,
    /// What training minimizes
    #[arg(long, default_value = "softmax", value_parser = loss_parser())]
    objective: Loss,
    /// Images in a batch [default: 100, or all training images, where there are fewer]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    batch: Option<usize>,
    /// Folder for the record and the figure [default: a new folder in runs/, named by date]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the files that the folder already holds
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}

fn element_parser() -> impl TypedValueParser<Value = Element> {
    PossibleValuesParser::new(["u8", "f32"])
        .map(|name| if name == "f32" { Element::F32 } else { Element::U8 })
}

fn loss_parser() -> impl TypedValueParser<Value = Loss> {
    PossibleValuesParser::new(Loss::ALL.map(Loss::name)).map(|name| name.parse().expect("a possible value"))
}

/// What `--json` prints: the record, and how it compares.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    record: &'a BenchRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<&'a [Comparison]>,
    out: &'a Path,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let console = Console::new(self.output);
        let earlier = self.compare.as_deref().map(read).transpose()?;
        let mut all_threads = self.engine.team()?;
        let dataset = all_threads.install(|| match self.shape {
            Some(shape) => Ok(shape.dataset(self.element)),
            None => self.data.open(),
        })??;
        // The lab's second run.
        let default = Settings::default();
        let batch = self.batch.unwrap_or(default.batch.min(dataset.train.len()));
        let settings = Settings { batch, objective: self.objective, ..default };
        let mut contenders = self.contenders()?;
        if dataset.train.samples().element() != Element::U8 {
            contenders.retain(|contender| contender.kind != EngineKind::Fixed);
        }
        settings.check(&dataset.train.samples(), dataset.classes.len())?;
        let folder = args::folder(self.out.as_deref(), self.overwrite, "bench")?;

        match self.shape {
            Some(_) => console.remark(&text::dataset(&dataset))?,
            None => console.dataset(&dataset)?,
        }
        console.remark(&format!("machine   {}\nbatch     {batch} images\n\n", MachineRecord::here().name))?;
        let teams = self.teams(all_threads)?;
        let open = || self.data.open();
        let save = |model: &Model| folder.write(MODEL_FILE, model.to_bytes());
        let files = dataset.path.is_some().then_some(Files { open: &open, save: &save });
        let record = self.measure(&dataset, settings, files, &contenders, teams, console)?;
        folder.write(RECORD_FILE, console::to_json(&record))?;
        folder.write(TABLE_FILE, csv(&record.measurements))?;
        folder.write("roofline.svg", report::roofline::figure(&record))?;

        console.say(&noise(&record))?;
        let comparison = earlier.map(|earlier| bench::compare(&record, &earlier));
        if let (Some(comparison), Some(path)) = (&comparison, &self.compare) {
            console.say(&format!(
                "\nagainst {}\n\n{}",
                path.display(),
                text::table(&compared(comparison))
            ))?;
        }
        console.say(&format!("\nwritten   {}\n", folder.path().display()))?;
        console.json(&Printed { record: &record, comparison: comparison.as_deref(), out: folder.path() })
    }

    fn contenders(&self) -> Result<Vec<Contender>> {
        let (kind, isa) = (self.engine.kind(), self.engine.isa());
        let mut contenders = Contender::list(kind, isa, self.all);
        if self.quick && (kind, isa) == (EngineKind::Auto, None) {
            let fused = [EngineKind::Simd, EngineKind::Fixed];
            contenders.retain(|one| fused.contains(&one.kind) && one.isa == Some(Isa::fastest()));
        }
        if contenders.is_empty() {
            let found = isa.map_or("auto", |isa| isa.name());
            let found = format!("{found} with --engine {}", kind.name());
            return Err(Error::setting("isa", "an instruction set that the engine has here", found));
        }
        Ok(contenders)
    }

    /// One thread, and all; only all where `--threads` or `--quick` is given.
    fn teams(&self, all: Team) -> Result<Vec<Team>> {
        let alone = all.threads() > 1 && !self.quick && !self.engine.names_threads();
        let one = alone.then(|| Team::new(std::num::NonZeroUsize::MIN)).transpose()?;
        Ok(one.into_iter().chain([all]).collect())
    }

    /// Measures the machine, then every task of every contender on every team.
    fn measure(
        &self,
        dataset: &Dataset,
        settings: Settings,
        files: Option<Files>,
        contenders: &[Contender],
        mut teams: Vec<Team>,
        console: Console,
    ) -> Result<BenchRecord> {
        let (begin, batch) = (Instant::now(), settings.batch);
        let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let isas = bench::instruction_sets(contenders);
        let plan = self.plan(contenders, &teams);
        let steps = console.steps(1 + plan.len());
        steps.begin("measuring this machine");
        let roofline = roofline::measure(&isas, &mut teams, self.budget(None))?;
        steps.suspend(|| console.say(&machine(&roofline)))?;

        let train = dataset.train.samples();
        let last = teams.last_mut().expect("a team");
        let standardization = last.install(|| Standardization::measure(&train))?;
        let initial = Parameters::random(dataset.classes.len(), train.features(), settings.seed);
        // As training has them.
        let objective = settings.objective(&train, dataset.classes.len());
        let hold = |split| Held::new(split, settings.epochs, None);
        let [train, validation] = last.install(|| [train, dataset.validation.samples()].map(hold))?;
        let held = [train?, validation?];
        let [train, validation] = held.each_ref().map(Held::samples);
        let splits = Splits { train, validation, classes: &dataset.classes };
        let workload =
            Workload { splits, standardization: &standardization, initial, settings, objective, files };
        let mut oracle = Oracle::new(&workload)?;
        let mut measurements = Vec::new();
        for (task, contender, team) in plan {
            let (team, budget) = (&teams[team], self.budget(Some(task)));
            let isa = contender.isa.map(|isa| format!(" ({})", isa.name())).unwrap_or_default();
            let (kind, threads) = (contender.kind.name(), team.threads());
            steps.begin(&format!("measuring {} on {kind}{isa}, threads: {threads}", task.name()));
            let timed = team.lead(|| task.measure(contender, team, &workload, &mut oracle, budget))??;
            measurements.extend(
                timed.map(|(info, timing)| {
                    task.measurement(contender.kind, info, timing, &workload, &roofline)
                }),
            );
        }
        drop(steps);
        console.say(&format!("\n{}", text::table(&table(&measurements))))?;
        Ok(BenchRecord {
            date,
            version: env!("CARGO_PKG_VERSION").into(),
            machine: MachineRecord::here(),
            dataset: DatasetRecord::new(dataset),
            batch,
            roofline,
            measurements,
            seconds: begin.elapsed().as_secs_f64(),
        })
    }

    /// What is worth measuring, on which of the teams. Whole trainings are for engines that people train with, on all threads;
    /// the reference has one thread. The lab's run alone is quick.
    fn plan(&self, contenders: &[Contender], teams: &[Team]) -> Vec<(Task, Contender, usize)> {
        let most = teams.iter().map(Team::threads).max();
        let mut plan = Vec::new();
        for (task, contender) in
            Task::ALL.into_iter().flat_map(|task| contenders.iter().map(move |one| (task, one)))
        {
            let is_worth = |all: bool| match task {
                Task::Optimum | Task::Accuracy if self.quick => false,
                task if task.is_training() => all && contender.is_fast(),
                _ => all || contender.kind != EngineKind::Reference,
            };
            let worth = (0..teams.len()).filter(|&team| is_worth(Some(teams[team].threads()) == most));
            plan.extend(worth.map(|team| (task, *contender, team)));
        }
        plan
    }

    /// How long to measure something: `task`, or a figure of the machine.
    fn budget(&self, task: Option<Task>) -> Budget {
        let (full, quick) = match task {
            None => (80, 40),
            Some(task) if task.is_training() => (1500, 500),
            Some(_) => (300, 100),
        };
        let milliseconds = if self.quick { quick } else { full };
        Budget { each: Duration::from_millis(milliseconds), repetitions: (3, 101) }
    }
}

/// An earlier record.
fn read(path: &Path) -> Result<BenchRecord> {
    let bytes = regular::read(path, "a record of onelayer bench", 1 << 28)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::format(path, format!("a record of onelayer bench ({RECORD_FILE})"), error))
}
